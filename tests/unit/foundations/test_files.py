"""A file is replaced whole, or stays as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.foundations.files import (
    NotRegular,
    files_placed,
    folder_held,
    make_file,
    replace_file,
    replace_files,
    write_named_file,
)


@pytest.mark.parametrize("is_durable", [False, True])
def test_a_file_is_made_and_replaced(tmp_path: Path, is_durable: bool) -> None:
    path = tmp_path / "file"
    for content in (b"long content", b"", b"other"):
        replace_file(path, content, is_durable=is_durable)
        assert path.read_bytes() == content
        assert os.listdir(tmp_path) == ["file"]


def test_the_old_bytes_stay_if_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new", is_durable=True)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_it_has_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        replace_file(path, content, mode=mode)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == mode


def test_what_a_killed_process_with_this_number_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f".file.{os.getpid()}.new").write_bytes(b"torn")
    replace_file(tmp_path / "file", b"whole", mode=0o400)
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["file"]


def test_it_can_be_made_in_another_folder(tmp_path: Path) -> None:
    """So a folder that may hold no file too many never does."""
    target, other = tmp_path / "target", tmp_path / "other"
    target.mkdir()
    other.mkdir()
    replace_file(target / "file", b"whole", made_in=other)
    assert (os.listdir(target), os.listdir(other)) == (["file"], [])


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"first", b"second"):
        make_file(path, content, mode=0o600)
        assert path.read_bytes() == b"first"
        assert path.stat().st_mode & 0o777 == 0o600
        assert os.listdir(tmp_path) == ["file"]


def test_several_files_are_made_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in "abc"]
    replace_files(dict.fromkeys(paths, b"old"), mode=0o600)
    assert [path.read_bytes() for path in paths] == [b"old"] * 3
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in paths)
    paths[1].unlink()
    paths[1].mkdir()
    with pytest.raises(IsADirectoryError):
        replace_files(dict.fromkeys(paths, b"new"))
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]
    assert paths[0].read_bytes() == paths[2].read_bytes() == b"old"
    usual = Path.replace

    def last_fails(self: Path, target: Path) -> Path:
        if target.name == "f":
            raise OSError(5, "Input/output error")
        return usual(self, target)

    monkeypatch.setattr(Path, "replace", last_fails)
    with pytest.raises(OSError, match="Input/output"):
        replace_files(dict.fromkeys([tmp_path / name for name in "def"], b"new"))
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


def test_files_take_their_places_beside_what_is_there(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    for content in ("one", "two"):
        with files_placed(out) as fresh:
            (fresh / "april").mkdir()
            (fresh / "april" / "a.csv").write_text(content)
            (fresh / "b.csv").write_text(content)
        (out / "own").touch()
        assert (out / "april" / "a.csv").read_text() == (out / "b.csv").read_text() == content
    assert sorted(os.listdir(out)) == ["april", "b.csv", "own"]


def test_nothing_takes_its_place_where_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), files_placed(tmp_path) as fresh:
        (fresh / "a.csv").touch()
        raise OSError(28, "full")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("below", [".", "april"])
def test_a_link_with_the_name_of_a_file_is_replaced_and_not_followed(
    below: str, tmp_path: Path
) -> None:
    precious, out = tmp_path / "precious", tmp_path / "out"
    precious.write_text("old")
    (out / below).mkdir(parents=True)
    (out / below / "a.csv").symlink_to(precious)
    with files_placed(out) as fresh:
        (fresh / below).mkdir(exist_ok=True)
        (fresh / below / "a.csv").write_text("new")
    assert precious.read_text() == "old"
    assert (out / below / "a.csv").read_text() == "new"
    assert not (out / below / "a.csv").is_symlink()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_link_or_a_file_with_the_name_of_a_folder_is_an_error(kind: str, tmp_path: Path) -> None:
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    out.mkdir()
    if kind == "link":
        (out / "april").symlink_to(elsewhere)
    else:
        (out / "april").touch()
    with pytest.raises(NotADirectoryError, match="april there is a link or a file"):  # noqa: SIM117
        with files_placed(out) as fresh:
            (fresh / "april").mkdir()
            (fresh / "april" / "a.csv").touch()
    assert os.listdir(elsewhere) == []


def test_a_folder_exchanged_meanwhile_is_not_written_to(tmp_path: Path) -> None:
    """Neither the fresh one nor that of the files: who may write there may rename both."""
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    with files_placed(out) as fresh:
        (own,) = out.iterdir()
        own.rename(tmp_path / "taken")
        own.symlink_to(elsewhere)
        out.rename(tmp_path / "moved")
        out.symlink_to(elsewhere)
        (fresh / "a.csv").write_text("new")
    assert os.listdir(elsewhere) == []
    assert (tmp_path / "moved" / "a.csv").read_text() == "new"


def test_no_file_is_placed_where_none_may_be(tmp_path: Path) -> None:
    home, link = tmp_path / "home", tmp_path / "link"
    home.mkdir()
    link.symlink_to(home)
    with pytest.raises(PermissionError, match="it lies in"), files_placed(link, outside=[home]):
        pass
    assert os.listdir(home) == []


@pytest.mark.parametrize("name", ["home", "home/below", "home/new", "link", "link/new"])
def test_no_folder_is_held_or_made_where_none_may_be(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(home)
    with (
        pytest.raises(PermissionError, match="it lies in"),
        folder_held(tmp_path / name, outside=[home]),
    ):
        pass
    assert os.listdir(home) == ["below"]


def test_a_held_folder_stays_the_one_that_it_was(tmp_path: Path) -> None:
    """In this process, and in one that it starts."""
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    with folder_held(out, outside=[elsewhere]) as held:
        out.rename(tmp_path / "moved")
        out.symlink_to(elsewhere)
        replace_file(held / "a", b"new")
        program = "import pathlib, sys; pathlib.Path(sys.argv[1], 'b').touch()"
        subprocess.run([sys.executable, "-c", program, str(held)], check=True)
    assert os.listdir(elsewhere) == []
    assert sorted(os.listdir(tmp_path / "moved")) == ["a", "b"]


def test_links_in_a_circle_are_an_error_of_the_system(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    with pytest.raises(OSError), folder_held(loop, outside=[tmp_path / "home"]):
        pass


def test_a_named_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for content in (b"long content", b"other"):
        write_named_file(path, content)
        assert path.read_bytes() == content
        assert os.listdir(path.parent) == ["file"]


@pytest.mark.parametrize("target", ["precious", "absent"])
def test_a_named_file_is_not_written_through_a_link(target: str, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("old")
    (tmp_path / "file").symlink_to(tmp_path / target)
    with pytest.raises(OSError, match="it is a link"):
        write_named_file(tmp_path / "file", b"new")
    assert (tmp_path / "precious").read_text() == "old"
    assert not (tmp_path / "absent").exists()


def test_another_name_of_the_same_file_keeps_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("old")
    os.link(tmp_path / "precious", tmp_path / "file")
    write_named_file(tmp_path / "file", b"new")
    assert (tmp_path / "precious").read_text() == "old"


def test_a_pipe_is_written_into_where_it_is_named_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_named_file(pipe, b"new")
        assert os.read(reading, 10) == b"new"
        for replace in (replace_file, lambda path, content: replace_files({path: content})):
            with pytest.raises(NotRegular):
                replace(pipe, b"new")
        assert pipe.is_fifo()
    finally:
        os.close(reading)


@pytest.mark.parametrize("name", ["home/file", "link/file"])
def test_no_named_file_is_written_where_none_may_be(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    with pytest.raises(PermissionError, match="it lies in"):
        write_named_file(tmp_path / name, b"new", outside=[home])
    assert os.listdir(home) == []


@pytest.mark.parametrize("is_link", [False, True])
def test_no_file_takes_the_place_of_one_that_stands_apart(tmp_path: Path, is_link: bool) -> None:
    program = tmp_path / "program.yaml"
    program.write_text("own")
    out = tmp_path
    if is_link:
        out = tmp_path / "out"
        out.mkdir()
        (out / "program.yaml").symlink_to(program)
    with pytest.raises(PermissionError, match="nothing takes the place of"):  # noqa: SIM117
        with files_placed(out, outside=[program]) as fresh:
            (fresh / "a.csv").write_text("new")
            (fresh / "program.yaml").write_text("new")
    with pytest.raises(PermissionError, match="nothing takes the place of"):
        write_named_file(out / "program.yaml", b"new", outside=[program])
    assert program.read_text() == "own"
    assert not (out / "a.csv").exists()
