"""Amounts of money as people read them."""


def price(amount_minor: int | None, currency: str | None) -> str:
    """``7990, "EUR"`` as ``79.90 EUR``; a dash where there is no price."""
    if amount_minor is None or currency is None:
        return "-"
    return f"{amount_minor // 100}.{amount_minor % 100:02d} {currency}"
