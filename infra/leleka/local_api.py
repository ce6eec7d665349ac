"""The REST API of a local stage. LocalStack makes it from the template and can't change it afterwards: its update fails
and takes the API with it. So the stack keeps the definition that it was made with, and each deployment puts its own
definition beside it."""

import json
from typing import Any

from botocore.exceptions import ClientError

from leleka.stage import REGION, Aws

_API, _HANDLER = "RestAPI", "APIHandler"


def keep(aws: Aws, stack: str, template: dict[str, Any]) -> dict[str, Any]:
    """Gives the template the definition that the stack has, if there is one, and returns the template's own."""
    properties = template["Resources"][_API]["Properties"]
    own: dict[str, Any] = properties["DefinitionBody"]
    try:
        deployed = aws.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    except ClientError:
        return own
    properties["DefinitionBody"] = deployed["Resources"][_API]["Properties"]["DefinitionBody"]
    return own


def put(aws: Aws, stack: str, definition: dict[str, Any]) -> None:
    """Makes this the definition that requests meet."""
    handler = aws.client("lambda").get_function_configuration(FunctionName=_resource(aws, stack, _HANDLER))
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{handler['FunctionArn']}/invocations"
    body = json.loads(json.dumps(definition))
    body["info"]["title"] = stack
    for methods in body["paths"].values():
        for method in methods.values():
            method["x-amazon-apigateway-integration"]["uri"] = uri
    api = aws.client("apigateway")
    api_id = _resource(aws, stack, _API)
    api.put_rest_api(restApiId=api_id, mode="overwrite", body=json.dumps(body))
    for kind, response in body.get("x-amazon-apigateway-gateway-responses", {}).items():  # that call passes them over
        status = {"statusCode": str(response["statusCode"])} if "statusCode" in response else {}
        api.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            responseParameters=response["responseParameters"],
            responseTemplates=response["responseTemplates"],
            **status,
        )
    api.create_deployment(restApiId=api_id, stageName="api")


def _resource(aws: Aws, stack: str, name: str) -> str:
    found = aws.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=name)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
