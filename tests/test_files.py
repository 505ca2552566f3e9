"""Atomic writes, the search for photos, and the package's assets."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import made
import pytest

from fastnst import errors, files

ROOT = Path(__file__).resolve().parent.parent


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_file_is_written_with_its_folders_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x.txt"
    files.write(path, b"first")
    files.write(str(path), "größer\n")
    assert path.read_bytes() == b"gr\xc3\xb6\xc3\x9fer\n"
    assert os.listdir(path.parent) == ["x.txt"]


def test_the_state_of_files_changes_with_their_names_sizes_and_dates(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    for path in (one, other):
        path.write_bytes(b"12")
        os.utime(path, ns=(0, 0))
    seen = [files.state([one]), files.state([other]), files.state([one, other])]
    assert files.state(iter([one])) == seen[0]
    os.utime(one, ns=(0, 1))
    seen.append(files.state([one]))
    one.write_bytes(b"123")
    os.utime(one, ns=(0, 1))
    seen.append(files.state([one]))
    one.unlink()
    seen.append(files.state([one]))
    assert len(set(seen)) == len(seen)


def test_a_folder_is_named_by_being_one_by_its_slash_or_by_having_no_extension(
    tmp_path: Path,
) -> None:
    (tmp_path / "is.there").mkdir()
    (tmp_path / "file.png").touch()
    for name, expected in (
        ("is.there", True),
        ("new.one/", True),
        ("new", True),
        ("new.one", False),
        ("file.png", False),
    ):
        assert files.names_folder(f"{tmp_path}/{name}") is expected, name


def test_the_check_that_a_file_can_be_written_leaves_nothing_and_changes_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").write_text("mine")
    for name in ("a.png", "new/deep/b.png", "new/../a.png", "new/../../a.png"):
        files.check_writable(tmp_path / name)
    assert contents(tmp_path) == {"a.png": "mine"} and os.listdir(tmp_path) == ["a.png"]
    for name, reason in (
        ("a.png/b.png", "File exists"),
        (f"{'n' * 300}.png", "File name too long"),
        (f"{'n' * 300}/b.png", "File name too long"),
    ):
        with pytest.raises(errors.UserError, match=rf"{name}: cannot be written \({reason}\)"):
            files.check_writable(tmp_path / name)


def test_a_disk_without_room_is_told_before_the_work(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(errors.UserError, match=r"a\.png: cannot be written \(File too large\)"):
            files.check_writable(tmp_path / "a.png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not os.listdir(tmp_path)


def test_an_unused_path_is_numbered_from_2(tmp_path: Path) -> None:
    for name in ("x.png", "x-2.png", "x-3.png"):
        assert files.unused(tmp_path, "x", ".png") == tmp_path / name
        (tmp_path / name).touch()


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    files.write(tmp_path / ("x" * 255), b"1")
    assert os.listdir(tmp_path) == ["x" * 255]


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    files.write(tmp_path / "ours", "")
    with files.staging(tmp_path) as staged:
        (staged / "staged").write_text("")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in os.listdir(tmp_path)}
    assert len(modes) == 1


def test_a_failed_write_keeps_the_earlier_file_and_leaves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.txt"
    files.write(path, b"earlier")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(errors.UserError, match=r"x\.txt: cannot be written \(No space left on"):
        files.write(path, b"later")
    assert contents(tmp_path) == {"x.txt": "earlier"}
    assert os.listdir(tmp_path) == ["x.txt"]


def test_a_place_that_cannot_be_written_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path, reason in (
        (tmp_path / "file" / "x", "File exists"),
        (tmp_path / "file" / "below" / "x", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
    ):
        with pytest.raises(errors.UserError) as caught:
            files.write(path, b"")
        assert str(caught.value) == f"{path}: cannot be written ({reason})"
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    with files.staging(tmp_path) as one, files.staging(tmp_path) as other:
        (one / "x").write_text("one")
        (other / "x").write_text("other")
        assert not (tmp_path / "x").exists()
    # The inner block ends first.
    assert contents(tmp_path) == {"x": "one"}


def test_staged_files_appear_in_alphabetical_order_when_all_are_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = []
    replace = os.replace

    def record(source: Path, target: Path) -> None:
        moved.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", record)
    with files.staging(tmp_path / "new") as staged:
        for name in ("c.index", "c.data"):
            (staged / name).write_text(name)
    assert moved == ["c.data", "c.index"]
    assert contents(tmp_path) == {"new/c.data": "c.data", "new/c.index": "c.index"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_of_an_aborted_block_remains(tmp_path: Path, error: type[BaseException]) -> None:
    files.write(tmp_path / "out" / "x", "earlier")
    for manager in (files.staging, files.replacing):
        with pytest.raises(error), manager(tmp_path / "out") as partial:
            (partial / "x").write_text("half")
            raise error
    assert contents(tmp_path) == {"out/x": "earlier"}
    assert os.listdir(tmp_path) == ["out"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    for name in ("earlier", "later"):
        with files.replacing(folder) as partial:
            assert not list(partial.iterdir())
            (partial / name).write_text(name)
            assert not (folder / name).exists()
        assert contents(tmp_path) == {f"deep/out/{name}": name}
    assert os.listdir(folder.parent) == ["out"]
    (tmp_path / "usual").mkdir()
    assert folder.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_linked_folder_is_replaced_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with files.replacing(tmp_path / "link") as partial:
        (partial / "x").write_text("x")
    assert (tmp_path / "link").is_symlink()
    assert contents(tmp_path / "real") == {"x": "x"}


def test_a_retired_file_or_folder_gets_the_next_free_number(tmp_path: Path) -> None:
    path = tmp_path / "candy"
    assert files.retire(path) is None
    for number in (1, 2):
        files.write(path / "config.yml", str(number))
        retired = files.retire(path)
        assert retired == tmp_path / f"candy.old{number}"
        assert contents(retired) == {"config.yml": str(number)}
        assert not path.exists()


def test_a_folder_that_cannot_be_renamed_is_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(errors.UserError, match=r"cannot be moved to .*\.old1 \(Permission denied"):
        files.retire(tmp_path)


def test_a_path_names_a_file_a_folder_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert files.kind(tmp_path / "a") == "file"
    assert files.kind(tmp_path) == "folder"
    assert files.kind(tmp_path / "b") is None
    assert files.kind(tmp_path / "a" / "b") is None


@pytest.mark.skipif(os.name != "posix", reason="names that only POSIX has")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pipe", "is a pipe, a socket or a device"),
        ("/dev/zero", "is a pipe, a socket or a device"),
        ("a" * 300, "cannot be read \\(File name too long"),
        ("a\0b", "no possible name of a file"),
        ("loop", "cannot be read \\(Too many levels of symbolic links"),
    ],
)
def test_what_is_no_regular_file_or_folder_is_the_users_error(
    name: str, reason: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(errors.UserError, match=reason):
        files.kind(tmp_path / name)


def test_a_walk_lists_what_is_visible_and_follows_links_once(tmp_path: Path) -> None:
    made.write_files(tmp_path / "elsewhere", {"far.jpg": b""})
    root = made.write_files(tmp_path / "photos", {"near.jpg": b"", ".x/y": b"", ".z": b""})
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "circle").symlink_to(root)
    assert files.walk(root) == ["link/far.jpg", "near.jpg"]


def test_a_folder_that_cannot_be_walked_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(errors.UserError, match="none: cannot be read \\(No such file"):
        files.walk(tmp_path / "none")


def test_assets_lie_at_the_root_of_a_clone_and_below_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.asset("conf/candy.yml") == ROOT / "conf" / "candy.yml"
    monkeypatch.setattr(files.resources, "files", lambda package: tmp_path / package)
    assert files.asset("img") == tmp_path / "img"
    (tmp_path / "fastnst" / "assets").mkdir(parents=True)
    assert files.asset("img") == tmp_path / "fastnst" / "assets" / "img"


def test_a_file_is_found_here_else_among_the_assets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert files.find("img/candy.jpg") == ROOT / "img" / "candy.jpg"
    assert files.find("candy.jpg", "img") == ROOT / "img" / "candy.jpg"
    assert files.find("pretrained/vgg_16.ckpt") == ROOT / "pretrained" / "vgg_16.ckpt"
    assert files.find("candy.jpg") == Path("candy.jpg")
    assert files.find("img/nothing.jpg", "img") == Path("img/nothing.jpg")
    assert files.find("/nowhere/x.jpg") == Path("/nowhere/x.jpg")
    files.write("img/candy.jpg", b"")
    files.write("pretrained/vgg_16.ckpt.index", b"")
    assert files.find("img/candy.jpg", "img") == Path("img/candy.jpg")
    assert files.find("pretrained/vgg_16.ckpt") == Path("pretrained/vgg_16.ckpt")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.find("~/img/candy.jpg") == tmp_path / "img" / "candy.jpg"


def test_the_home_of_an_unknown_user_is_a_path_that_does_not_exist() -> None:
    assert files.find("~no-such-user/candy.jpg") == Path("~no-such-user/candy.jpg")


def test_the_module_needs_no_third_party_package() -> None:
    program = (
        "import sys; import fastnst.files;"
        "sys.exit(bool({'numpy', 'PIL', 'yaml', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_a_scratch_folder_is_deleted_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), files.scratch(tmp_path / "out") as folder:
        (folder / "large").write_bytes(b"much")
        assert folder.parent == tmp_path / "out"
        raise KeyboardInterrupt
    assert not list((tmp_path / "out").iterdir())


def test_the_size_of_a_folder_is_that_of_all_files_below(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"12345")
    (tmp_path / "a" / "b" / "two").write_bytes(b"678")
    assert files.size(tmp_path) == 8


def test_the_cache_is_below_the_home_unless_a_variable_names_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert files.cache() == tmp_path / "fastnst"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert files.cache() == Path.home() / ".cache" / "fastnst"


def test_sweeping_deletes_only_what_killed_writers_leave(tmp_path: Path) -> None:
    for name in (".partial-abc/x.txt", "kept.txt", "folder/kept.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    files.sweep(tmp_path)
    files.sweep(tmp_path / "missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "kept.txt"]


def test_a_planted_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("old")
    for name in ("out.png", ".out.png.partial"):
        (tmp_path / name).symlink_to(tmp_path / "precious")
    files.write(tmp_path / "out.png", b"new")
    assert (tmp_path / "precious").read_text() == "old"
    assert (tmp_path / "out.png").read_text() == "new" and not (tmp_path / "out.png").is_symlink()


def test_a_folder_of_a_name_as_long_as_possible_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 255)
    for text in ("one", "two"):
        with files.replacing(folder) as new:
            (new / "file").write_text(text)
    assert contents(tmp_path) == {f"{folder.name}/file": "two"}


@pytest.mark.parametrize("name", ["a[b]*?", os.fsdecode(b"caf\xe9"), "plain"])
def test_a_plain_path_leads_to_a_folder_of_any_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with files.plain(tmp_path / name) as path:
        assert str(path).isascii() and not set("[]*?").intersection(str(path))
        (path / "file").write_text("content")
    assert (tmp_path / name / "file").read_text() == "content"


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    assert files.read(tmp_path / "a") == b"content"
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "b")
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="is a pipe, a socket or a device") as caught:
            files.read(path)
        assert caught.value.filename == str(path)
