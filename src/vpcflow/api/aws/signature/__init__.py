"""Signatures of requests: version 4 in the header and in the query, and S3's old links."""

from vpcflow.api.aws.signature.chunked import ChunkKey
from vpcflow.api.aws.signature.claim import peek_scope
from vpcflow.api.aws.signature.verifier import Verified, Verifier

__all__ = ["ChunkKey", "Verified", "Verifier", "peek_scope"]
