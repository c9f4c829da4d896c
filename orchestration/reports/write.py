"""Pages as files: `<home>/reports/program=P/period=K.html`, and index.html for all periods.

They lie outside what a close seals, and can be made again from what is published at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from filelock import FileLock

from orchestration.foundations.files import folder_held, replace_file, write_named_file
from orchestration.pipeline.home import Home
from orchestration.publishing.store import Publication
from orchestration.reports.beside import program_of
from orchestration.reports.figures import period_figures
from orchestration.reports.notices import notices
from orchestration.reports.overview_page import overview_page
from orchestration.reports.page import Link, render
from orchestration.reports.period_page import period_page

OVERVIEW: Final = "index.html"
WAIT_SECONDS: Final = 30


def reports_folder(home: Home, program: str) -> Path:
    """The folder in the home with the pages of a program."""
    return home.path / "reports" / f"program={program}"


def page_name(period: str) -> str:
    """The file name of a period's page; a period may be called index."""
    return f"period={period}.html"


def write_reports(home: Home, program: str, periods: Iterable[str]) -> dict[str, Path]:
    """Writes pages of published periods, those that show another version, and the overview into the home.

    Gives the path of each page; of a program that has published nothing, none. Pages of what was withdrawn
    go. Whoever comes last sees all that was published before, so no page stays behind what is published;
    that of a run which died behind its switch does so until then. filelock.Timeout if others write for too long.
    """
    # No period's lock has this name: keys have no underscore.
    lock = home.path / "locks" / f"{program}._reports.lock"
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(lock, timeout=WAIT_SECONDS):
        folder = reports_folder(home, program)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = home.store(program)
        published, restated = store.published(), store.restated()
        pages = {page_name(key) for key in published}
        withdrawn = [page for page in folder.glob(page_name("*")) if page.name not in pages]
        for page in withdrawn:
            page.unlink()
        if not published:
            (folder / OVERVIEW).unlink(missing_ok=True)
            return {}
        missing = [key for key in published if not (folder / page_name(key)).exists()]
        stale = [
            key
            for key in published.keys() - {*missing}
            if not _shows(folder / page_name(key), published[key], restated.get(key))
        ]
        # A page that is new has neighbours that lead to it from now on, and one that went had some, too.
        beside = [key for new in missing for key in neighbours(published, new)]
        others = published if withdrawn else sorted(stale)
        wanted = dict.fromkeys([*periods, *missing, *beside, *others])
        return write_pages(home, program, wanted, folder / OVERVIEW)


def _mark(publication: Publication, restated: Publication | None) -> str:
    """The last line of a period's page: the versions that it shows."""
    restatement = f", restated by {restated.revision}" if restated else ""
    return f"<!-- revision {publication.revision}, {publication.state}{restatement} -->\n"


def _shows(page: Path, publication: Publication, restated: Publication | None) -> bool:
    return page.read_bytes().endswith(_mark(publication, restated).encode())


def neighbours(published: Mapping[str, Publication], period: str) -> list[str]:
    """The published periods before and after a published one, in the program's order."""
    order = [one.key for one in program_of(published[period]).periods if one.key in published]
    at = order.index(period)
    return [*order[max(at - 1, 0) : at], *order[at + 1 : at + 2]]


def write_pages(
    home: Home, program: str, periods: Iterable[str], overview: Path
) -> dict[str, Path]:
    """Writes an overview, and the pages of the published ones of `periods` beside it."""
    store = home.store(program)
    published, restated = store.published(), store.restated()
    told = notices(home, program, published)
    paths = {key: overview.with_name(page_name(key)) for key in periods if key in published}
    for key, path in paths.items():
        figures = period_figures(published, restated, key)
        links = [
            Link("All periods", overview.name),
            *(Link(other, page_name(other)) for other in neighbours(published, key)),
        ]
        page = render(period_page(figures, links, told))
        mark = _mark(published[key], restated.get(key))
        replace_file(path, f"{page.rstrip()}\n{mark}".encode())
    page = render(overview_page(published, restated, page_name, told))
    replace_file(overview, page.encode())
    return paths


def write_asked(home: Home, program: str, period: str | None, out: Path | None) -> list[Path]:
    """Writes what `bonus report` was asked for; gives the files, the one to open first in front.

    Without `out` into the home. A period's page alone leads nowhere; without a period, `out` is the
    overview's file, or a folder for it, and the periods' pages lie beside it. OSError if the place
    cannot be written, or lies in the home, whose pages are made by runs.
    """
    store = home.store(program)
    published = store.published()
    if out is None:
        paths = write_reports(home, program, [period] if period else published)
        overview = reports_folder(home, program) / OVERVIEW
        return [paths[period]] if period else [overview, *paths.values()]
    if period is not None:
        if out.is_dir():
            out = out / page_name(period)
        figures = period_figures(published, store.restated(), period)
        told = notices(home, program, published)
        page = render(period_page(figures, notices=told)).encode()
        write_named_file(out, page, outside=home.apart())
        return [out]
    overview = out if out.suffix == ".html" else out / OVERVIEW
    with folder_held(overview.parent, outside=home.apart()) as held:
        pages = write_pages(home, program, published, held / overview.name)
    return [overview, *(overview.with_name(page.name) for page in pages.values())]
