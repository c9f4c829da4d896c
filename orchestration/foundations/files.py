"""Writing a file whole: a reader sees the old bytes or the new ones, never a part. Reading one at all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from errno import EINVAL, EISDIR, ELOOP, ENOTDIR, EPERM
from os import strerror
from pathlib import Path
from tempfile import mkdtemp

from orchestration.foundations.durable import sync


def replace_file(
    path: Path,
    content: bytes,
    *,
    is_durable: bool = False,
    mode: int = 0o666,
    made_in: Path | None = None,
) -> None:
    """Puts `content` in the place of a file, or makes it, in one step; makes no folder.

    With `is_durable` the bytes and the name are flushed, so they also survive a power cut. Several
    processes may do this at once: the last one wins. `mode` and the umask give the permissions, which
    the file has before its first byte. The bytes are first written into another file of the same
    folder, or of `made_in` on the same disk, where the folder may hold no file too many. A process
    that is killed may leave that file, `.<name>.<pid>.new`. NotRegular for a pipe or a device, which it
    would take away from all others.
    """
    _demand_replaceable(path)
    with _fresh(made_in or path.parent, path.name, content, mode, is_durable=is_durable) as fresh:
        fresh.replace(path)
    if is_durable:
        sync(path.parent)


def replace_files(contents: Mapping[Path, bytes], *, mode: int = 0o666) -> None:
    """Puts each content in the place of its file: all of them, flushed, or none of those that are new.

    All bytes are on disk before the first file gets its name. OSError where one cannot be written.
    """
    for path in contents:
        _demand_replaceable(path)
    placed: list[Path] = []
    with ExitStack() as stack:
        fresh = {
            path: stack.enter_context(
                _fresh(path.parent, path.name, content, mode, is_durable=True)
            )
            for path, content in contents.items()
        }
        try:
            for path, file in fresh.items():
                file.replace(path)
                placed.append(path)
        except OSError:
            for path in placed:
                path.unlink(missing_ok=True)
            raise
    for folder in {path.parent for path in contents}:
        sync(folder)


def _demand_replaceable(path: Path) -> None:
    """IsADirectoryError or NotRegular where there is something that no file takes the place of."""
    if path.is_dir():
        raise IsADirectoryError(EISDIR, strerror(EISDIR), str(path))
    if path.exists() and not path.is_file():
        raise NotRegular(EINVAL, "a pipe or a device is there", str(path))


def make_file(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Makes a file in one step and flushes it, unless it is there: then that one stays.

    Several processes may do this at once: the first one wins. Modes, and what a process that is killed
    may leave, are as in `replace_file`.
    """
    with _fresh(path.parent, path.name, content, mode, is_durable=True) as fresh:
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    sync(path.parent)


@contextmanager
def _fresh(
    folder: Path, name: str, content: bytes, mode: int, *, is_durable: bool
) -> Iterator[Path]:
    """A new file with this content, for as long as the context lasts, which should give it its name."""
    fresh = folder / f".{name}.{os.getpid()}.new"
    try:
        fresh.unlink(missing_ok=True)  # of a process with this number that was killed
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        if is_durable:
            sync(fresh)
        yield fresh
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def demand_outside(path: Path, outside: Sequence[Path]) -> None:
    """PermissionError where a path lies in one of the folders `outside`, or is one of the files there."""
    real = _real(path)
    for place in outside:
        if real.is_relative_to(_real(place)):
            why = (
                f"{place} is a program file, which nothing takes the place of"
                if place.is_file()
                else f"it lies in {place}, where other files have no place"
            )
            raise PermissionError(EPERM, why)


def _real(path: Path) -> Path:
    # Path.resolve() raises RuntimeError where links lead in a circle.
    return Path(os.path.realpath(path))


def write_named_file(path: Path, content: bytes, *, outside: Sequence[Path] = ()) -> None:
    """Writes the file that somebody has named: into a pipe or a terminal, else whole, in the place of a file.

    OSError for a link, which may lead to a file that is not meant; else as `folder_held`.
    """
    demand_outside(path, outside)
    if path.exists() and not path.is_file():
        with open(path, "wb", opener=_open_to_write) as stream:
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise OSError(EPERM, "it was exchanged")
            stream.write(content)
        return
    with folder_held(path.parent, outside=outside) as held:
        if (held / path.name).is_symlink():
            raise OSError(ELOOP, "it is a link")
        replace_file(held / path.name, content)


@contextmanager
def folder_held(out: Path, *, outside: Sequence[Path] = (), mode: int = 0o777) -> Iterator[Path]:
    """The folder `out`, made if it is missing, by a path that leads to it whatever has its name meanwhile.

    The path holds in processes that are started from here, too, for as long as the block lasts. PermissionError
    where the folder lies in one of `outside`. Where the system shows no open folders it is `out` itself.
    """
    demand_outside(out, outside)  # before a folder is made there
    out.mkdir(mode=mode, parents=True, exist_ok=True)
    with _held(out) as number:
        held = _by_number(number, out)
        demand_outside(held, outside)
        yield held


@contextmanager
def files_placed(out: Path, *, outside: Sequence[Path] = ()) -> Iterator[Path]:
    """A fresh folder whose files take their places in `out`, which is made, when the block ends well.

    For a folder that others may write in. A link there that has the name of a file is replaced, and
    never followed. Both folders are held open, so that none of them is exchanged for another one
    meanwhile. NotADirectoryError where a link or a file has the name of a folder; else as
    `folder_held`. A process that is killed may leave the fresh folder, `.new-*`.
    """
    with folder_held(out, outside=outside) as held, _held(held) as into:
        path = Path(mkdtemp(prefix=".new-", dir=held))
        try:
            with _held(path.name, into) as fresh:
                found = os.fstat(fresh)
                if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o700:
                    raise PermissionError(EPERM, f"{path.name} there was exchanged")
                below = _by_number(fresh, path)
                yield below
                for file in below.rglob("*"):
                    if not file.is_dir():
                        demand_outside(held / file.relative_to(below), outside)
                _place(fresh, into)
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _held(folder: str | Path, above: int | None = None) -> Iterator[int]:
    """The number by which a folder is open; one with a folder `above` it may be no link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | (os.O_NOFOLLOW if above is not None else 0)
    try:
        number = os.open(folder, flags, dir_fd=above)
    except OSError as error:
        if error.errno not in (ENOTDIR, ELOOP):
            raise
        said = f"{folder} there is a link or a file, where a folder is to be"
        raise NotADirectoryError(ENOTDIR, said) from None
    try:
        yield number
    finally:
        os.close(number)


def _by_number(number: int, path: Path) -> Path:
    """A folder that is open, whatever its name leads to now; by its name where there is no such path."""
    by_number = Path(f"/proc/{os.getpid()}/fd/{number}")
    return by_number if by_number.exists() else path


def _place(fresh: int, into: int) -> None:
    """Moves what is in one open folder into another one."""
    for name in sorted(os.listdir(fresh)):
        if not stat.S_ISDIR(os.stat(name, dir_fd=fresh, follow_symlinks=False).st_mode):
            os.replace(name, name, src_dir_fd=fresh, dst_dir_fd=into)
            continue
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=into)
        with _held(name, fresh) as below, _held(name, into) as place:
            _place(below, place)


class NotRegular(OSError):
    """A folder, a pipe or a device, where a file is expected."""


def read_regular_file(path: str | os.PathLike[str], longest: int) -> bytes:
    """The first `longest` bytes. OSError where there are none to read: NotRegular, if it is no file."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise NotRegular(EINVAL, "no regular file", os.fspath(path))
        return file.read(longest)


def _open_to_write(path: str, _: int) -> int:
    """Opens what is there, and leaves its bytes alone."""
    return os.open(path, os.O_WRONLY)


def _open_without_waiting(path: str, flags: int) -> int:
    """Opens a named pipe too at once, instead of when someone writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)
