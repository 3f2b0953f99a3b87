"""An S3 bucket and prefix as a source."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from vpcflow.base.errors import CollectError
from vpcflow.collect.object_layout import parse_object_name
from vpcflow.collect.s3_errors import collect_error, error_code, is_missing, is_temporary
from vpcflow.collect.s3_listing import KeyListing, ListingCounts, TimeSpan
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import (
    Fetched,
    ObjectError,
    Problem,
    ProblemCode,
    ProblemList,
    SourceObject,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

SCHEME = "s3://"
PAGE_KEYS = 1000


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and prefix of ``s3://bucket/prefix``.

    Errors: CollectError when it is not such a uri.
    """
    bucket, _, prefix = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket:
        raise CollectError("not an S3 uri", where=uri, hint="write it like s3://bucket/prefix")
    return bucket, prefix


class S3Source:
    """The objects below ``s3://bucket/prefix``; credentials are found the AWS way.

    Shape: with ``span``, of AWS's tree only the days that may hold its records are listed.
    An object is downloaded to ``tmp`` while it is read, and kept at no more than
    ``object_bytes_max``.
    Errors: CollectError, when listing or fetching, that says whose move it is.
    """

    def __init__(
        self,
        uri: str,
        tmp: Path,
        settings: CollectSettings | None = None,
        *,
        span: TimeSpan | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self._uri = uri
        self._bucket, self._prefix = split_uri(uri)
        self._tmp = tmp
        self._settings = settings or CollectSettings()
        self._span = span or TimeSpan()
        self._endpoint_url = endpoint_url
        self._problems = ProblemList(self._settings.problems_max)
        self._made: S3Client | None = None
        self.counts = ListingCounts()

    @property
    def problems(self) -> ProblemList:
        """What stood in the way during the last listing."""
        return self._problems

    def objects(self) -> Iterator[SourceObject]:
        """List the objects, in the order of their keys, day by day where days are listed."""
        self._problems.clear()
        listing = KeyListing(
            self._list_page,
            self._span,
            days_max=self._settings.s3_days_max,
            levels_max=self._settings.s3_levels_max,
        )
        self.counts = listing.counts
        for entry in listing.keys(self._prefix):
            yield self._object(entry["Key"], int(entry["Size"]), str(entry["ETag"]))
        if listing.counts.keys_seen == 0 and self._span.is_open:
            self._problems.add(
                Problem(ProblemCode.MISSING, "no objects here", self._uri, uri=self._uri)
            )

    @contextmanager
    def fetch(self, obj: SourceObject) -> Iterator[Fetched]:
        """Download the object for as long as the context is open."""
        with tempfile.NamedTemporaryFile(dir=self._tmp, prefix="s3-") as file:
            now = self._download(obj, file)
            file.flush()
            yield Fetched(Path(file.name), now)

    def _object(self, key: str, size: int, etag: str) -> SourceObject:
        uri = f"{SCHEME}{self._bucket}/{key}"
        name = parse_object_name(key)
        return SourceObject(
            uri=uri,
            size=size,
            version=f"{etag.strip(chr(34))}-{size}",
            origin=name.origin("s3", uri),
            day=name.day,
        )

    def _list_page(self, prefix: str, delimiter: str, token: str | None) -> dict[str, Any]:
        request: dict[str, Any] = {
            "Bucket": self._bucket,
            "Prefix": prefix,
            "MaxKeys": PAGE_KEYS,
        }
        if delimiter:
            request["Delimiter"] = delimiter
        if token is not None:
            request["ContinuationToken"] = token
        try:
            return dict(self._client().list_objects_v2(**request))
        # Here and below: boto makes its error classes at run time; every error is raised again as ours.
        except Exception as error:
            raise collect_error(error, self._uri, self._endpoint_url) from error

    def _download(self, obj: SourceObject, file: IO[bytes]) -> SourceObject:
        """Write the object to ``file``; start anew when it changes, read on when the line breaks."""
        key = obj.uri.removeprefix(f"{SCHEME}{self._bucket}/")
        last: Exception | None = None
        for _ in range(self._settings.s3_attempts_max):
            if obj.size > self._settings.object_bytes_max:
                raise ObjectError(
                    Problem(
                        ProblemCode.TOO_LARGE,
                        f"{obj.size} bytes, more than {self._settings.object_bytes_max}",
                        obj.where,
                        "see collect.object_bytes_max",
                        obj.uri,
                    )
                )
            try:
                self._download_rest(key, obj, file)
            except Exception as error:
                last = error
                if error_code(error) in ("PreconditionFailed", "412"):
                    obj = self._looked_up(key, obj)
                    file.seek(0)
                    file.truncate()
                elif not is_temporary(error):
                    raise self._object_error(error, obj) from error
            else:
                return obj
        if last is not None and not error_code(last):
            raise self._object_error(last, obj) from last
        problem = Problem(
            ProblemCode.CHANGED,
            f"changed during each of {self._settings.s3_attempts_max} downloads",
            obj.where,
            "run again when it is written to the end",
            obj.uri,
        )
        raise ObjectError(problem) from last

    def _download_rest(self, key: str, obj: SourceObject, file: IO[bytes]) -> None:
        done = file.tell()
        if obj.size == done:
            return
        etag = obj.version.rpartition("-")[0]
        answer = self._client().get_object(
            Bucket=self._bucket, Key=key, IfMatch=f'"{etag}"', Range=f"bytes={done}-"
        )
        with closing(answer["Body"]) as body:
            for chunk in body.iter_chunks(self._settings.read_bytes):
                file.write(chunk)

    def _looked_up(self, key: str, obj: SourceObject) -> SourceObject:
        try:
            answer = self._client().head_object(Bucket=self._bucket, Key=key)
        except Exception as error:
            raise self._object_error(error, obj) from error
        return self._object(key, int(answer["ContentLength"]), str(answer["ETag"]))

    def _object_error(self, error: Exception, obj: SourceObject) -> Exception:
        """An error of this object alone, or of everything here."""
        told = collect_error(error, obj.where, self._endpoint_url)
        code = ProblemCode.READ_FAILED
        if isinstance(error, OSError) and error.strerror:
            return CollectError(
                f"cannot keep a download: {error.strerror.lower()}",
                where=str(self._tmp),
                hint="free space in the data folder",
            )
        if is_missing(error):
            code, told = ProblemCode.VANISHED, CollectError(ProblemCode.VANISHED.text)
        elif error_code(error) == "InvalidObjectState":
            code = ProblemCode.ARCHIVED
            told = CollectError(code.text, hint="restore it from its archive first")
        elif error_code(error) in ("AccessDenied", "403"):
            code = ProblemCode.PERMISSION
        elif not error_code(error) and not is_temporary(error):
            return told
        return ObjectError(Problem(code, told.what, obj.where, told.hint, obj.uri))

    def _client(self) -> S3Client:
        """Make the client when it is first needed: boto3 is slow to import."""
        if self._made is None:
            import boto3
            from botocore.config import Config

            config = Config(
                connect_timeout=self._settings.s3_connect_timeout_s,
                read_timeout=self._settings.s3_read_timeout_s,
                retries={"total_max_attempts": self._settings.s3_attempts_max, "mode": "standard"},
                s3={"addressing_style": "path"} if self._endpoint_url else {},
            )
            self._made = boto3.session.Session().client(
                "s3", endpoint_url=self._endpoint_url, config=config
            )
        return self._made
