"""compose.yaml, Dockerfile and the proxy's configuration, held against what the product reads and has.

Nothing here starts a container. What is named in one file and needed in another is there.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy import make_url
from typer.main import get_command

from orchestration.command_line.app import app
from orchestration.dagster_glue.alerts import ADDRESSES
from orchestration.pipeline.home import POSTGRES_URL
from orchestration.web.settings import HOSTS, PROXY, USER_HEADER, Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")
UI, PROXY_SERVICE, DATABASE = (COMPOSE["services"][name] for name in ("ui", "proxy", "database"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
BONUS: Any = get_command(app)
NGINX = (ROOT / "deploy/nginx.conf").read_text("utf-8")


def filled(text: str) -> str:
    """A value of compose.yaml, with the defaults of its variables, and `secret` where there are none."""
    return re.sub(
        r"\$\{\w+:([-?])(.*?)\}", lambda found: found[2] if found[1] == "-" else "secret", text
    )


def directives(name: str) -> list[str]:
    return re.findall(rf"^\s*{name}\s+(.*?);", NGINX, re.MULTILINE)


def test_the_ui_reads_every_variable_that_it_is_given() -> None:
    assert set(UI["environment"]) == {POSTGRES_URL, HOSTS, USER_HEADER, PROXY, ADDRESSES}
    settings = Settings.of({name: filled(value) for name, value in UI["environment"].items()})
    assert settings.is_proxy("127.0.0.1") and not settings.is_proxy("172.18.0.1")
    assert "localhost" in settings.hosts


def test_the_image_names_program_landing_and_home_where_they_are_mounted() -> None:
    named = dict(re.findall(r"(BONUS_\w+)=(\S+)", DOCKERFILE))
    options = {param.envvar for command in BONUS.commands.values() for param in command.params}
    assert set(named) == {"BONUS_PROGRAM", "BONUS_LANDING", "BONUS_HOME"} <= options
    mounted = [volume.split(":")[1] for volume in UI["volumes"]]
    assert sorted(mounted) == sorted(named.values())
    assert "home" in COMPOSE["volumes"] and f"home:{named['BONUS_HOME']}" in UI["volumes"]


def test_commands_are_those_of_bonus() -> None:
    assert 'ENTRYPOINT ["bonus"]' in DOCKERFILE
    commands = BONUS.commands
    assert UI["command"][0] in commands
    assert re.search(r'CMD \["(\w+)"\]', DOCKERFILE)[1] in commands


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [
        port for service in COMPOSE["services"].values() for port in service.get("ports", [])
    ]
    assert published == ["127.0.0.1:8080:8080"]
    assert directives("listen") == ["8080"]


def test_the_proxy_says_who_has_logged_in_to_a_ui_that_only_it_reaches() -> None:
    assert PROXY_SERVICE["network_mode"] == "service:ui"
    port = next(p for p in BONUS.commands["ui"].params if p.name == "port").default
    assert directives("proxy_pass") == [f"http://127.0.0.1:{port}"]
    assert f"('127.0.0.1', {port})" in UI["healthcheck"]["test"][-1]
    sent = dict(shlex.split(line.partition("#")[0])[:2] for line in directives("proxy_set_header"))
    assert sent[UI["environment"][USER_HEADER]] == "$remote_user"
    assert sent["Host"] == "$http_host"
    (passwords,) = directives("auth_basic_user_file")
    assert f"./deploy/passwords:{passwords}:ro" in PROXY_SERVICE["volumes"]
    assert "/deploy/passwords" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_the_address_of_the_database_is_the_database() -> None:
    url = make_url(filled(UI["environment"][POSTGRES_URL]))
    said = DATABASE["environment"]
    assert COMPOSE["services"][url.host] is DATABASE
    assert (url.username, url.database) == (said["POSTGRES_USER"], said["POSTGRES_DB"])
    assert url.password == filled(said["POSTGRES_PASSWORD"]) == "secret"
    assert "[postgres]" in DOCKERFILE  # the driver


def test_all_that_the_wheel_is_built_from_gets_into_the_image() -> None:
    from hatch_build import PATTERNS

    taken = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    needed = [*PATTERNS, "orchestration", "expectations", "LICENSE", "README.md", "pyproject.toml"]
    for name in needed:
        assert any(name == each or name.startswith(f"{each}/") for each in taken), name
    assert all((ROOT / each).exists() for each in taken)
