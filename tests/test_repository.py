"""What must hold of the repository itself: layers, exact SQL, no addresses of package registries."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PURE = ("terms", "ingest", "ledger", "publishing")
HEAVY = ("dagster", "dbt", "great_expectations")
MODELS = sorted((ROOT / "dbt_project" / "models").rglob("*.sql"))


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", PURE)
def test_rules_know_no_dagster_dbt_or_great_expectations(package: str) -> None:
    files = sorted((ROOT / "orchestration" / package).rglob("*.py"))
    assert files
    for path in files:
        assert not _imports(path) & set(HEAVY), path


def test_the_pipeline_knows_no_dagster() -> None:
    for path in sorted((ROOT / "orchestration" / "pipeline").rglob("*.py")):
        assert "dagster" not in _imports(path), path


def test_the_reference_imports_nothing_of_the_product() -> None:
    for path in sorted((ROOT / "tests" / "reference").rglob("*.py")):
        assert not _imports(path) & {"orchestration", "expectations"}, path


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_models_divide_and_round_only_through_macros(path: Path) -> None:
    sql = re.sub(r"--[^\n]*|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"(?<![:/])/(?!/)|//|\bavg\s*\(|\bround\s*\(|\bdouble\b|\bfloat\b", sql)
    assert not found


def test_no_file_names_a_package_registry() -> None:
    hosts = re.compile(r"py" r"pi\.org|python" r"hosted|registry\.np" r"mjs|deb\.deb" r"ian")
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert names
    for name in names:
        assert not hosts.search((ROOT / name).read_text(encoding="utf-8", errors="replace")), name


def _named_in_rules() -> set[str]:
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    return set(
        re.findall(
            r"`((?:dbt:|tests/|dbt_project/|orchestration/|expectations/|docs/)[^`]+)`", text
        )
    )


def test_rules_name_files_and_tests_that_exist() -> None:
    """docs/rules.md: a rule without its file, or whose test was renamed, is no map."""
    named = _named_in_rules()
    unit_tests = {
        name
        for path in (ROOT / "dbt_project" / "models").rglob("*_unit_tests.yml")
        for name in re.findall(r"^  - name: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    missing = {name for name in named if name.startswith("dbt:")} - {
        f"dbt:{one}" for one in unit_tests
    }
    for name in named:
        path, _, test = name.partition("::")
        if name.startswith("dbt:"):
            continue
        if not (ROOT / path).exists() or (
            test and f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8")
        ):
            missing.add(name)
    assert not missing


def test_rules_name_every_dbt_unit_test() -> None:
    named = _named_in_rules()
    for path in sorted((ROOT / "dbt_project" / "models").rglob("*_unit_tests.yml")):
        for name in re.findall(
            r"^  - name: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert f"dbt:{name}" in named, (
                f"{path.name}: {name} carries out no sentence in docs/rules.md"
            )
