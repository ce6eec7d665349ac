"""What nobody measured on AWS. Each is a guess on the safe side; change it and see what comes of it."""

from collections.abc import Mapping

BOOKINGS_PER_HOUR = 1_000_000
MEMORY_MB = 512
CORE_MB = 1_769
"""The memory at which a function has one core to itself (Lambda's documentation); with less it has its share."""

LATENCY_MS: Mapping[str, float] = {
    "DynamoDB, a row": 5,
    "DynamoDB, a transaction": 15,
    "Valkey, a command": 1,
    "invoke a function": 30,
    "start an execution": 40,
    "charge a card": 1_000,
    "answer a task token": 30,
    "send a mail": 150,
}

PAGE_REQUESTS: Mapping[str, int] = {
    "the page and its files": 15,
    "a search": 1,
    "looks at the seats, one in 3 s for a minute": 20,
    "the booking": 1,
    "looks at the saga, one a second for 5 s": 5,
}
"""What a customer asks of the API for one booking."""
SAGA_LOOKS = PAGE_REQUESTS["looks at the saga, one a second for 5 s"]

HOLD_S = 900
FAST_SAGA_S = 5
"""How long a saga is open whose payment method came with the request."""
