"""What the environment may say, and every mistake in it by name."""

from __future__ import annotations

import pytest

from orchestration.web.settings import OWN_HOSTS, Settings


def test_without_settings_only_this_machine_is_known() -> None:
    settings = Settings.of(
        {"BONUS_UI_HOSTS": " ", "BONUS_UI_USER_HEADER": "", "BONUS_UI_PROXY": ""}
    )
    assert settings == Settings(OWN_HOSTS, None, ())
    assert not settings.is_proxy("127.0.0.1")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"BONUS_UI_HOSTS": "*"}, ["BONUS_UI_HOSTS: found '*'"]),
        (
            {"BONUS_UI_HOSTS": "https://a.example b.example:443"},
            ["'https://a.example'", "'b.example:443'"],
        ),
        ({"BONUS_UI_USER_HEADER": "X-User"}, ["BONUS_UI_PROXY is not"]),
        ({"BONUS_UI_PROXY": "127.0.0.1"}, ["BONUS_UI_USER_HEADER is not"]),
        ({"BONUS_UI_USER_HEADER": "X User", "BONUS_UI_PROXY": "::1"}, ["found 'X User'"]),
        (
            {"BONUS_UI_USER_HEADER": "X-User", "BONUS_UI_PROXY": "proxy.example"},
            ["found 'proxy.example'"],
        ),
        # A network whose address has more bits than its mask is a typing error, perhaps.
        (
            {"BONUS_UI_USER_HEADER": "X-User", "BONUS_UI_PROXY": "10.1.0.0/8"},
            ["found '10.1.0.0/8'"],
        ),
        (
            {"BONUS_UI_HOSTS": "a b/", "BONUS_UI_PROXY": "x"},
            ["'b/'", "'x'", "BONUS_UI_USER_HEADER is not"],
        ),
    ],
)
def test_every_mistake_is_named(environment: dict[str, str], said: list[str]) -> None:
    with pytest.raises(ValueError) as refused:
        Settings.of(environment)
    for text in said:
        assert text in str(refused.value)
