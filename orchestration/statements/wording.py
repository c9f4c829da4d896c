"""Codes and columns as a payee reads them; reasons are in `terms/reasons.py`."""

from __future__ import annotations

from typing import Final

from orchestration.foundations.messages import msgid

STATUSES: Final = {
    "paid": msgid("Paid"),
    "none": msgid("Nothing to pay"),
    "carried": msgid("Carried to the next period"),
    "held": msgid("Held"),
}

LEDGER: Final = {
    "points": msgid("Points"),
    "performance_minor": msgid("Of that for performance"),
    "milestone_minor": msgid("Of that for milestones"),
    "program_amount_minor": msgid("Amount in the program currency"),
    "fx_rate": msgid("Exchange rate"),
    "earnings_minor": msgid("Earned in this period"),
    "opening_balance_minor": msgid("Balance from before"),
    "adjustments_minor": msgid("Adjustments"),
    "returns_minor": msgid("Payments that were returned"),
    "payable_minor": msgid("To be paid"),
    "withheld_minor": msgid("Tax withheld"),
    "payout_minor": msgid("Paid out"),
    "closing_balance_minor": msgid("Balance carried on"),
}
"""The columns of a ledger row that are numbers, in the order of the ledger."""

EXCLUSIONS: Final = {
    "branded_content": msgid("branded content"),
    "collab": msgid("collaborations"),
    "watermark": msgid("posts with a watermark"),
    "not_original": msgid("posts that are not original"),
}

ACCOUNT_TYPES: Final = {
    "creator": msgid("creator"),
    "business": msgid("business"),
    "personal": msgid("personal"),
}

POSTINGS: Final = {
    "manual": msgid("Adjustment"),
    "adjustment": msgid("Correction of a closed period"),
    "return": msgid("Payment that was returned"),
}
"""What is posted beside earnings and payouts, by the journal's kind."""
