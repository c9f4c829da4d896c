"""Creators planted by hand, one for each thing a reader may want to look up in the results.

They are there in a sample of any size, so every reason code and every status occurs in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from orchestration.sample.program import MAXIMUM_POSTS, PROGRAM, Period

HOME_CURRENCY = {"US": "USD", "JP": "JPY", "KR": "KRW", "BR": "USD"}
FLAGS = ("is_branded_content", "is_collab", "has_watermark")
EARLY = datetime(2024, 3, 1, tzinfo=UTC)  # before the program begins
FAR = datetime(2027, 1, 1, tzinfo=UTC)  # after the longest sample ends


@dataclass(frozen=True)
class PlannedPost:
    """A post of a persona; views is what its growth curve goes to."""

    post_id: str
    creator_id: str
    market: str
    period: int
    published_at: datetime
    content_type: str
    views: int
    flag: str = ""  # the one flag that speaks against it
    removed_at: datetime | None = None


@dataclass
class Cast:
    """All personas: rows by dataset, and their posts."""

    periods: list[Period]
    creators: list[dict[str, Any]] = field(default_factory=list)
    payees: list[dict[str, Any]] = field(default_factory=list)
    deals: list[dict[str, Any]] = field(default_factory=list)
    policy_events: list[dict[str, Any]] = field(default_factory=list)
    audience_of: dict[str, dict[str, int]] = field(default_factory=dict)
    posts: list[PlannedPost] = field(default_factory=list)

    def day(self, period: int, day: int) -> datetime:
        """Noon UTC of a day of a period, counted from 0; in the last period, if it has no such."""
        starts_on = self.periods[min(period, len(self.periods) - 1)].starts_on
        return datetime.combine(starts_on + timedelta(days=day), time(12), tzinfo=UTC)

    def creator(
        self,
        name: str,
        market: str = "US",
        account_type: str = "creator",
        born: date | None = date(1995, 6, 15),
        updated_at: datetime = EARLY,
    ) -> None:
        self.creators.append(
            {
                "creator_id": name,
                "account_type": account_type,
                "market": market,
                "birth_date": born,
                "updated_at": updated_at,
            }
        )

    def payee(
        self,
        name: str,
        currency: str = "USD",
        residence: str = "US",
        status: str = "ready",
        updated_at: datetime = EARLY,
    ) -> None:
        self.payees.append(
            {
                "creator_id": name,
                "payout_currency": currency,
                "tax_residence": residence,
                "tax_form": "w9" if residence == "US" else None,
                "status": status,
                "updated_at": updated_at,
            }
        )

    def deal(
        self,
        name: str,
        activated_at: datetime | None = EARLY + timedelta(days=3),
        ends_at: datetime = FAR,
        cap: str | None = None,
        program: str = PROGRAM,
        invited_at: datetime = EARLY,
    ) -> None:
        self.deals.append(
            {
                "deal_id": f"deal-{len(self.deals):03}-{name}",
                "program": program,
                "creator_id": name,
                "invited_at": invited_at,
                "activated_at": activated_at,
                "ends_at": ends_at,
                "cap": cap,
                "updated_at": activated_at or invited_at,
            }
        )

    def event(self, kind: str, subject: str, status: str, effective_at: datetime) -> None:
        self.policy_events.append(
            {
                "event_id": f"event-{len(self.policy_events):03}-{subject}"[:128],
                "subject_type": kind,
                "subject_id": subject,
                "policy": "partner-monetization",
                "status": status,
                "effective_at": effective_at,
            }
        )

    def post(self, name: str, period: int, day: int, views: int, **more: Any) -> str:
        """Plans a post; returns its id."""
        post_id = f"{name}-{self.periods[period].key}-{len(self.posts):04}"
        values = {"market": "US", "content_type": "reel", **more}
        published_at = self.day(period, day) + timedelta(minutes=len(self.posts) % 90)
        self.posts.append(PlannedPost(post_id, name, values.pop("market"), period, published_at,
                                      values.pop("content_type"), views, **values))  # fmt: skip
        return post_id

    def monthly(self, name: str, views: int, posts: int = 2, market: str = "US") -> None:
        """The same posts in every period, in its first two weeks."""
        for period in range(len(self.periods)):
            for at in range(posts):
                self.post(name, period, 2 + at * 12 // posts, views, market=market)

    def regular(self, name: str, market: str = "US", views: int = 60_000, posts: int = 2) -> None:
        """A creator with nothing special but what the caller adds: row, payee, deal and posts."""
        self.creator(name, market)
        self.payee(name, HOME_CURRENCY[market], market)
        self.deal(name)
        self.monthly(name, views, posts, market)


def personas(periods: list[Period]) -> Cast:
    """Every persona, for these periods."""
    cast = Cast(periods)
    _paid(cast)
    _payees(cast)
    _ineligible(cast)
    _windows(cast)
    _policies(cast)
    _posts(cast)
    return cast


def _paid(cast: Cast) -> None:
    cast.regular("steady-us")  # paid in USD, nothing withheld
    cast.regular("steady-jp", "JP")  # paid in JPY by a cross rate, brackets of withholding
    cast.regular("steady-kr", "KR")  # paid in KRW
    cast.regular("star-us", views=2_500_000, posts=3)  # above the market's cap
    cast.regular("star-jp", "JP", views=2_500_000, posts=3)  # the same, in yen
    cast.regular("milestone-us", views=9_000, posts=12)  # ten reels: the milestone
    cast.regular("small-us", views=9_000, posts=1)  # carried until it reaches the minimum
    cast.regular("idle-us", posts=0)  # eligible, no posts, no money: status none

    # A cap of its own, below what it earns.
    cast.regular("capped-deal-us", posts=0)
    cast.deals[-1]["cap"] = "40.00"
    cast.monthly("capped-deal-us", 120_000)

    # Where the audience lives: outside the list (the floor holds), and nobody counted.
    cast.regular("far-audience-us")
    cast.audience_of["far-audience-us"] = {"VN": 81_000, "PH": 19_000}
    cast.regular("empty-audience-kr", "KR")
    cast.audience_of["empty-audience-kr"] = {"KR": 0}


def _payees(cast: Cast) -> None:
    cast.regular("incomplete-us")  # held, and its balance grows
    cast.payees[-1]["status"] = "incomplete"
    cast.regular("blocked-us")  # held
    cast.payees[-1]["status"] = "blocked"
    cast.regular("no-payee-jp", "JP")  # no row: the market's currency, incomplete
    cast.payees.pop()

    # Incomplete in the first period, then paid with what was held.
    cast.regular("completed-later-us")
    cast.payees[-1]["status"] = "incomplete"
    cast.payee("completed-later-us", updated_at=_between_payments(cast))

    # Too little to be paid in yen, then paid in dollars: the yen are held as CURRENCY_CHANGED.
    for name, market, before, after in (
        ("yen-to-dollar-jp", "JP", "JPY", "USD"),
        ("won-to-euro-kr", "KR", "KRW", "EUR"),
    ):
        cast.regular(name, market, views=10_000, posts=1)
        cast.payee(name, after, market, updated_at=_between_payments(cast))
        assert cast.payees[-2]["payout_currency"] == before

    # Paid in currencies that are no market's.
    for name, currency, residence in (("euro-us", "EUR", "DE"), ("pound-us", "GBP", "GB")):
        cast.regular(name)
        cast.payees.pop()
        cast.payee(name, currency, residence)


def _between_payments(cast: Cast) -> datetime:
    """After the first period's pays_on, before the second's."""
    return datetime.combine(cast.periods[0].pays_on, time(12), tzinfo=UTC) + timedelta(days=3)


def _ineligible(cast: Cast) -> None:
    # A deal without a creators row: the profile feed lost it. And one never activated beside that.
    cast.deal("lost-profile")
    cast.post("lost-profile", 0, 5, 50_000)
    cast.deal("lost-profile-idle", activated_at=None)

    cast.regular("never-activated-us")
    cast.deals[-1].update(activated_at=None, updated_at=EARLY)
    cast.regular("personal-us")
    cast.creators[-1]["account_type"] = "personal"
    cast.creator("brazil", "BR")  # a market that the program does not have
    cast.payee("brazil", "USD", "BR")
    cast.deal("brazil")
    cast.monthly("brazil", 60_000, market="BR")

    first = cast.periods[0].starts_on
    cast.regular("minor-us")  # under age all along
    cast.creators[-1]["birth_date"] = date(2010, 1, 1)
    cast.regular("birthday-us")  # comes of age in the first period: eligible from the second on
    cast.creators[-1]["birth_date"] = date(first.year - 18, 4, 10)
    cast.regular("ageless-us")  # no birth date: not judged by age
    cast.creators[-1]["birth_date"] = None

    # Moves from the United States to Japan after the first period closed.
    cast.regular("moved-us-jp")
    cast.creator("moved-us-jp", "JP", updated_at=cast.day(0, 0) + timedelta(days=40))

    # Personal at first, a creator account from the second period on.
    cast.regular("upgraded-kr", "KR")
    cast.creators[-1]["account_type"] = "personal"
    cast.creator("upgraded-kr", "KR", updated_at=cast.day(0, 0) + timedelta(days=40))


def _windows(cast: Cast) -> None:
    def regular(name: str, **deal: Any) -> None:
        cast.regular(name)
        cast.deals.pop()
        cast.deal(name, **deal)

    regular("ended-before-us", ends_at=EARLY + timedelta(days=10))  # before the program began
    regular("ends-inside-us", ends_at=cast.day(0, 10))  # its later posts are outside the window
    regular("late-us", activated_at=cast.day(0, 6))  # its first post is outside the window
    # Invited again: the second window begins inside the second period.
    regular("invited-again-us", ends_at=cast.day(0, 12))
    again = cast.day(1, 4)
    cast.deal("invited-again-us", activated_at=again, invited_at=again - timedelta(days=2))
    # Two deals in one period: the one activated first counts, though its cap is the lower.
    regular("two-deals-us", cap="30.00")
    cast.deal("two-deals-us", activated_at=EARLY + timedelta(days=6), cap="900.00")
    # A deal of another program only: no row of ours.
    regular("other-program-us", program="facebook-reels-bonus")


def _policies(cast: Cast) -> None:
    cast.regular("violator-us")  # in violation all along
    cast.event("creator", "violator-us", "violated", EARLY)
    cast.regular("cleared-us")  # in violation at the first close, cleared before the second
    cast.event("creator", "cleared-us", "violated", cast.day(0, 5))
    cast.event("creator", "cleared-us", "cleared", cast.day(0, 40))


def _posts(cast: Cast) -> None:
    # Posts more than count: the last of them are over the limit.
    cast.regular("heavy-us", views=4_000, posts=MAXIMUM_POSTS + 8)

    # One post for every reason that a post can have by itself.
    name = "post-reasons-us"
    cast.regular(name)
    for flag in (*FLAGS, "is_original"):
        cast.post(name, 0, 8, 40_000, flag=flag)
    cast.post(name, 0, 9, 40_000, content_type="story")
    cast.post(name, 0, 9, 300)  # below the minimum of views
    cast.post(name, 0, 9, 40_000, removed_at=cast.day(0, 14))
    cast.event("post", cast.post(name, 0, 10, 40_000), "violated", cast.day(0, 12))
    cleared = cast.post(name, 0, 10, 40_000)  # violated by mistake, so it earns
    cast.event("post", cleared, "violated", cast.day(0, 12))
    cast.event("post", cleared, "cleared", cast.day(0, 15))
