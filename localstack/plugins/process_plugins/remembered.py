"""What LocalStack 4.14 works out anew each time, although the same text always gives the same: it is remembered.

Measured with sixteen customers booking at once, half of LocalStack's time went into these: a parser for JSONPath built
for each path of each state of each execution, the state machine's text parsed for each execution, and the content type
of each request parsed as if it were a mail's.
"""

import functools
from typing import Any

from localstack.services.stepfunctions.asl.component.common.path import result_path
from localstack.services.stepfunctions.asl.parse import asl_parser
from localstack.services.stepfunctions.asl.utils import json_path
from twisted.web import http

_PATHS_MAX = 4096
_DEFINITIONS_MAX = 64
_CONTENT_TYPES_MAX = 256

_parse_definition = asl_parser.AmazonStateLanguageParser.parse
_trees: dict[str, Any] = {}


def remember_what_stays() -> None:
    """To be called before the first request."""
    json_path.parse = functools.lru_cache(_PATHS_MAX)(json_path.parse)
    result_path.parse = functools.lru_cache(_PATHS_MAX)(result_path.parse)
    asl_parser.AmazonStateLanguageParser.parse = staticmethod(parse_definition)
    http._parseContentType = functools.lru_cache(_CONTENT_TYPES_MAX)(http._parseContentType)


def parse_definition(definition: str) -> tuple[Any, Any]:
    """The program of a state machine, and the tree that it was made from. The tree is only read, so executions share
    it; the program keeps what an execution does, so each gets its own."""
    tree = _trees.get(definition)
    if tree is not None:
        return asl_parser.Preprocessor().visit(tree), tree
    program, tree = _parse_definition(definition)
    if len(_trees) >= _DEFINITIONS_MAX:
        _trees.clear()
    _trees[definition] = tree
    return program, tree
