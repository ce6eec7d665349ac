"""Run by LocalStack in Docker as it starts: what the stack of processes gets through entry points of the same package.

The executor and DynamoDB need no plug-in there; these two are about LocalStack's API Gateway and Lambda.
"""

import sys

sys.path.append("/opt/leleka")

from process_plugins import compression, lambda_updates

compression.compress_as_configured()
lambda_updates.as_chalice_needs_them()
