"""A bucket, or a part of one: S3, Google Cloud Storage, Azure, by obstore.

Belongs here: what the library is asked, what its errors mean, and its objects as a tree of names. Does not:
where fetched objects lie (`fetched.py`), and what a mirror holds (`pipeline/mirror.py`). Credentials are in the
environment, which the library reads; of its messages, which may quote addresses and headers, nothing is passed
on but what is picked out here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from errno import EIO, ENOENT
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from orchestration.foundations.texts import LONGEST_NAME, shown
from orchestration.ingest.discovery import Identity, Inventory, Name, discover_in, format_of
from orchestration.ingest.quarantine import FileFault, FileReason

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES: Final = ("s3", "gs", "az")

_URL = re.compile(r"(?P<scheme>[a-z0-9]+)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]*)(?P<prefix>/.*)?")
# What a request asks for at most: so much is in memory, is asked for again where it fails, and has to come
# within the library's 30 seconds.
PART_BYTES: Final = 8 << 20
_RETRIES: Final[Mapping[str, Any]] = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}
# Variables, in any case of letters, by which a bucket of the same name may be another one, or somebody
# between may answer.
_SAYS_WHERE: Final = re.compile("(AWS|AZURE|GOOGLE)_|.*PROXY|SSL_", re.IGNORECASE)
# What changes from day to day and says nothing of it: else all would be fetched anew with each token.
_IS_SECRET: Final = re.compile(".*(ACCESS_KEY|TOKEN|PASSWORD)", re.IGNORECASE)


class NotReachable(OSError):
    """A bucket cannot be listed, or an object not be read; says why, and holds nothing of credentials."""

    def __str__(self) -> str:
        return str(self.strerror)


class NoBucket(ValueError):
    """A text names no bucket that can be used; says why without the text, which may hold a password."""


class Listed(NamedTuple):
    """An object as the bucket lists it; `name` is relative to the prefix.

    `version` is empty where a listing has none, as on S3. One of the two is there.
    """

    name: str
    size_bytes: int
    e_tag: str
    version: str

    @property
    def content(self) -> str:
        """Another one whenever the object was written anew with other bytes."""
        return f"{self.e_tag} {self.version}".strip()


@dataclass(frozen=True)
class Bucket:
    """The objects below a prefix of a bucket. `prefix` has no slash at its ends."""

    scheme: str
    bucket: str
    prefix: str = ""

    @classmethod
    def of(cls, url: str) -> Bucket:
        """The bucket of an address such as `s3://bucket/prefix`; NoBucket for any other form."""
        scheme = url.partition("://")[0]
        found = _URL.fullmatch(url)
        if scheme not in SCHEMES:
            raise NoBucket("landing data is read from a folder, or from s3://, gs:// or az://")
        if found is None or "?" in url or not url.isprintable():
            raise NoBucket(
                f"a landing place is {scheme}://BUCKET/PREFIX and nothing else; credentials belong in the"
                " environment"
            )
        prefix = (found["prefix"] or "").removeprefix("/").removesuffix("/")
        if prefix and {"", ".", ".."} & set(prefix.split("/")):
            raise NoBucket(
                "the prefix of a landing place has no empty part, and none of dots alone"
            )
        return cls(scheme, found["bucket"], prefix)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    def resolve(self) -> Bucket:
        """As it is: an address says where it is from wherever it is looked at."""
        return self

    def identity_of(self, listed: Listed) -> Sequence[str]:
        """The identity that tells an object's bytes from all others, also from those of a namesake elsewhere."""
        where = [
            f"{name}={value}"
            for name, value in sorted(os.environ.items())
            if _SAYS_WHERE.match(name) and not _IS_SECRET.match(name)
        ]
        return [str(self), listed.name, str(listed.size_bytes), listed.content, *where]

    def below(self, name: str) -> Bucket:
        """The objects below a further part of the prefix."""
        return Bucket(self.scheme, self.bucket, f"{self.prefix}/{name}".removeprefix("/"))

    def listing(self) -> dict[str, Listed]:
        """All objects by name. NotReachable if they cannot be listed, or if there are none."""
        found = self.objects()
        if not found:
            raise self._empty()
        return found

    def objects(self) -> dict[str, Listed]:
        """All objects by name, though there be none. NotReachable if they cannot be listed."""
        import obstore

        found: dict[str, Listed] = {}
        try:
            for chunk in obstore.list(self._store, chunk_size=1000):
                for meta in chunk:
                    self._add(found, meta)
        except NotReachable:
            raise
        except Exception as error:
            raise self._not_reachable(error) from None
        return found

    def demand_objects(self) -> None:
        """NotReachable, saying why, if the bucket cannot be listed, or holds nothing below the prefix."""
        import obstore

        try:
            first = next(iter(obstore.list(self._store, chunk_size=1)), None)
        except NotReachable:
            raise
        except Exception as error:
            raise self._not_reachable(error) from None
        if not first:
            raise self._empty()

    def read(self, listed: Listed, to: BinaryIO) -> None:
        """Writes an object's bytes, in parts, each under the condition that it is the one that was listed.

        FileFault if it is not, any more, or may not be read; NotReachable if the bucket does not answer.
        """
        import obstore
        from obstore.exceptions import (
            PermissionDeniedError,
            PreconditionError,
            UnauthenticatedError,
        )

        for start in range(0, listed.size_bytes, PART_BYTES):
            end = min(start + PART_BYTES, listed.size_bytes)
            options: dict[str, Any] = {"range": (start, end)}
            if listed.e_tag:
                options["if_match"] = listed.e_tag
            if listed.version:
                options["version"] = listed.version
            try:
                got = obstore.get(self._store, listed.name, options=options)  # type: ignore[arg-type]
                if got.meta["size"] != listed.size_bytes:
                    raise _changed()
                part = bytes(got.bytes())
            except (PreconditionError, FileNotFoundError):
                raise _changed() from None
            except (PermissionDeniedError, UnauthenticatedError):
                raise FileFault(FileReason.UNREADABLE, "access to it is denied") from None
            except FileFault:
                raise
            except Exception as error:
                raise self._not_reachable(error) from None
            if len(part) != end - start:
                raise _changed()
            to.write(part)

    def put(self, name: str, content: bytes) -> str:
        """Makes an object in one step, unless it is there: then that one stays. Gives its address."""
        self.replace(name, content, None)
        return f"{self}/{name}"

    def content(self, listed: Listed) -> bytes:
        """The bytes of a small object, as `read` gives them."""
        held = BytesIO()
        self.read(listed, held)
        return held.getvalue()

    def send(self, name: str, parts: Iterator[bytes]) -> None:
        """Makes an object of what comes, in parts; until its end there is none, or the one of before.

        Whatever `parts` raises passes, and then nothing is made. NotReachable if the bucket does not answer.
        """
        import obstore

        raised: list[BaseException] = []

        def watched() -> Iterator[bytes]:
            try:
                yield from parts
            except BaseException as error:
                raised.append(error)
                raise

        try:
            obstore.put(self._store, name, watched(), chunk_size=PART_BYTES, max_concurrency=2)
        except Exception as error:
            if raised:
                raise raised[0] from None
            raise self._not_reachable(error) from None

    def replace(self, name: str, content: bytes, known: Listed | None) -> bool:
        """Puts an object in the place of `known` (None: of none) in one step; False if another one is there."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: Any = "create"
        if known is not None:
            said = {"e_tag": known.e_tag, "version": known.version}
            mode = {name: value for name, value in said.items() if value}
        try:
            obstore.put(self._store, name, content, mode=mode)
        except (AlreadyExistsError, PreconditionError):
            return False
        except Exception as error:
            raise self._not_reachable(error) from None
        return True

    def delete(self, names: Collection[str]) -> None:
        """Deletes objects; NotReachable if the bucket does not."""
        import obstore

        try:
            obstore.delete(self._store, list(names))
        except Exception as error:
            raise self._not_reachable(error) from None

    @cached_property
    def _store(self) -> ObjectStore:
        from obstore.store import AzureStore, GCSStore, S3Store

        options: dict[str, Any] = {"prefix": self.prefix or None, "retry_config": _RETRIES}
        make: Mapping[str, Callable[..., ObjectStore]] = {
            "s3": S3Store, "gs": GCSStore, "az": AzureStore
        }  # fmt: skip
        try:
            return make[self.scheme](self.bucket, **options)
        except Exception as error:
            raise self._not_reachable(error) from None

    def _add(self, found: dict[str, Listed], meta: Mapping[str, Any]) -> None:
        listed = Listed(meta["path"], meta["size"], meta["e_tag"] or "", meta["version"] or "")
        if not listed.name:
            return  # what stands for the prefix itself
        if not listed.content:
            raise NotReachable(
                EIO, f"{self} lists objects without ETag, so that a change of one would not be seen"
            )
        if found.setdefault(listed.name, listed) != listed:
            raise NotReachable(
                EIO,
                f"{self} has two objects that go by the name {shown(listed.name, LONGEST_NAME)}",
            )

    def _empty(self) -> NotReachable:
        return NotReachable(
            ENOENT, f"{self} holds no objects; --landing takes the prefix that holds the datasets"
        )

    def _not_reachable(self, error: Exception) -> NotReachable:
        return NotReachable(EIO, f"{self} cannot be used: {_why(error)}")


def discover_listing(listing: Mapping[str, Listed]) -> Inventory:
    """The objects as files of a landing directory, by its rules; `path` is a name that `listed_at` takes."""
    return discover_in(_Names(listing))


def listed_at(listing: Mapping[str, Listed], path: str) -> Listed:
    """The object behind the path of a file that `discover_listing` has found."""
    return listing[path.removeprefix(f"{_Names.root}/")]


class _Names:
    """Names with slashes as a tree, of which nothing is a path of this machine.

    An object of no bytes whose name has no format stands for a folder, as consoles make them.
    """

    root = "/bucket"

    def __init__(self, listing: Mapping[str, Listed]) -> None:
        self._listing = listing
        self._folders: dict[str, set[Name]] = {self.root: set()}
        for listed in listing.values():
            self._add(listed)

    def _add(self, listed: Listed) -> None:
        is_folder = not listed.size_bytes and format_of(listed.name) is None
        folder, parts = self.root, listed.name.split("/")
        for part in parts if is_folder else parts[:-1]:
            self._folders[folder].add(Name(part, is_link=False, is_folder=True))
            folder = f"{folder}/{part}"
            self._folders.setdefault(folder, set())
        if not is_folder:
            self._folders[folder].add(Name(parts[-1], is_link=False, is_folder=False))

    def names(self, folder: str) -> list[Name]:
        if folder not in self._folders:
            raise NotADirectoryError(folder)
        found = self._folders[folder]
        return sorted(found, key=lambda name: (os.fsencode(name.name), name.is_folder))

    def identity(self, path: str) -> Identity:
        return Identity(0, 0, listed_at(self._listing, path).size_bytes, 0, 0)

    def target(self, path: str) -> str:
        return path

    def is_folder(self, path: str) -> bool:
        return path in self._folders


def _changed() -> FileFault:
    return FileFault(
        FileReason.CHANGED_WHILE_READ,
        "the object was changed or deleted while it was being read, or can only be listed",
    )


# What is picked out of a message of the library, the first that is found; in the order of certainty.
_SIGNS: Final = (
    ("<Code>NoSuchBucket</Code>", "there is no such bucket"),
    ("<Code>ContainerNotFound</Code>", "there is no such container"),
    ("without LOCATION", "it is in another region; set AWS_REGION"),
    ("MissingAccessKeyId", "AWS_ACCESS_KEY_ID is not set"),
    ("MissingSecretAccessKey", "AWS_SECRET_ACCESS_KEY is not set"),
    ("MissingAccount", "AZURE_STORAGE_ACCOUNT_NAME is not set"),
    ("builder error", "its address is no https; for http:// set AWS_ALLOW_HTTP=true"),
)
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")


def _why(error: Exception) -> str:
    from obstore import exceptions

    text = str(error)
    if isinstance(error, exceptions.InvalidPathError):
        first = text.splitlines()[0].removeprefix("Encountered object with invalid path: ")
        return f"the name of an object cannot be a file's ({shown(first, LONGEST_NAME)})"
    for sign, meaning in _SIGNS:
        if sign in text:
            return meaning
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return "access is denied; the environment has the credentials (docs/object-storage.md)"
    if found := _CODE.search(text) or _STATUS.search(text):
        return f"it answers {found[1]}"
    return "it does not answer; is its address right, and the network there?"
