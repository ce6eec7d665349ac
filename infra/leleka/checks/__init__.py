"""What tools of others say of this project, for ``make lint``: ``python -m leleka.checks [NAME ...]``.

Each check asks one or two tools, and each tool's findings are compared with ``infra/checks/accepted.yaml``. What is
found and not accepted there is an error, and so is what is accepted there and not found any more.
"""
