"""The inputs as they are now, against those that a run has read: landing files by dataset, and the program file.

Belongs here: the comparison, and its sentence for whoever looks at a period or closes it. Does not:
a refusal. A close fixes what is published (§7), whatever was delivered since; whoever closes must
only know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from orchestration.ingest.fingerprint import dataset_digests, landing_digest
from orchestration.ingest.landing_place import Landing, landing_at
from orchestration.pipeline.home import Home
from orchestration.records import Inputs, Unreadable
from orchestration.terms.load import LoadedProgram


@dataclass(frozen=True, slots=True)
class Changed:
    """The inputs that changed after a run had read them.

    `landing` is None where the landing directory cannot be looked at. `datasets` is empty where no
    file of theirs changed, and also of a run by earlier code, which kept one hash over all of them.
    """

    landing: bool | None
    datasets: tuple[str, ...] = ()
    program_file: bool = False

    def __bool__(self) -> bool:
        """True if something is known to have changed."""
        return bool(self.landing or self.program_file)

    @property
    def said(self) -> str:
        """The changes, as the beginning of a sentence that ends with the run; "" if there are none."""
        which = f" ({', '.join(self.datasets)})" if self.datasets else ""
        parts = [f"the landing data{which}"] if self.landing else []
        parts += ["the program file"] if self.program_file else []
        return f"{' and '.join(parts)} changed after" if parts else ""

    def said_at_close(self, period: str) -> str:
        """The changes, for whoever closes the period all the same; only where there are any."""
        return f"{self.said} the run of {period}; it is closed as that run has published it"

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Changed:
        """The changes that `to_json` has told."""
        return cls(said["landing"], tuple(said["datasets"]), said["program_file"])

    def to_json(self) -> dict[str, Any]:
        return {
            "landing": self.landing,
            "datasets": list(self.datasets),
            "program_file": self.program_file,
        }


NOTHING: Final = Changed(False)


def changes_of_published(
    home: Home, loaded: LoadedProgram, landing: Landing | None = None
) -> dict[str, Changed]:
    """The changes since the runs whose rows are published; of a closed period, since its restatement.

    Nothing is said of a version whose run.json cannot be read: others name it.
    """
    store = home.store(loaded.program.program)
    runs = {}
    for period, version in [*store.published().items(), *store.restated().items()]:
        with suppress(OSError, Unreadable):
            runs[period] = version.record()
    return changes_since(home, loaded, runs, landing)


def changes_since(
    home: Home, loaded: LoadedProgram, runs: Mapping[str, Inputs], landing: Landing | None = None
) -> dict[str, Changed]:
    """The changes since each of some runs has read its inputs, by the key that the run has in `runs`.

    Looks at `landing`; left out, at the place that the home knows for the program, else into
    the run's own. A file is read only if the home has no hash of it as it is now.
    """
    known = home.registrations().get(loaded.program.program)
    landing = landing or (known.landing if known else None)

    @cache
    def lies_at(place: Landing) -> tuple[str, dict[str, str]] | None:
        try:
            found = home.fingerprints(place)
        except OSError:  # gone, or may not be listed
            return None
        return landing_digest(found), dataset_digests(found)

    return {
        key: _changed(run, loaded, lies_at(landing or landing_at(run.landing)))
        for key, run in runs.items()
    }


def _changed(
    run: Inputs, loaded: LoadedProgram, found: tuple[str, dict[str, str]] | None
) -> Changed:
    is_other_program = run.program_sha256 != loaded.sha256
    if found is None:
        return Changed(None, program_file=is_other_program)
    digest, datasets = found
    if digest == run.landing_sha256:
        return Changed(False, program_file=is_other_program)
    before = run.landing_datasets
    names = {name for name in {*before, *datasets} if before.get(name) != datasets.get(name)}
    return Changed(True, tuple(sorted(names)) if before else (), is_other_program)
