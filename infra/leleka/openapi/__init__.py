"""The API's OpenAPI document, made from its models, errors and headers: ``make openapi`` writes docs/openapi.yaml.

What the code can't tell stands in ``operations.py``: the paths, what each is for, and which errors it may answer with.
A contract test fails when the file, the routes, the models or the errors disagree.
"""
