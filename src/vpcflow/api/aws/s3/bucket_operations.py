"""Buckets: made, listed, looked at, removed; and who owns what."""

from __future__ import annotations

from typing import Any

from vpcflow.api.aws.operation import Call, Operation, Result
from vpcflow.api.aws.s3.access import Access, owner_of
from vpcflow.api.aws.s3.bucket_documents import NEW_BUCKET_DOCUMENTS, OWNERSHIPS, check_tags
from vpcflow.api.aws.s3.kept_documents import CHECKED_BY_PROTOCOL
from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import partition_of
from vpcflow.control.buckets import FIRST_REGION, Bucket
from vpcflow.control.network.zones import AWS_REGIONS, OPT_IN_REGIONS
from vpcflow.control.paging import BadToken, page
from vpcflow.control.state import Place
from vpcflow.store.objects import ObjectStore

_LIST_MAX = 10_000
#: Old names of regions that a location constraint may give.
_OLD_REGIONS = {"EU": "eu-west-1", "US": FIRST_REGION}
#: Access lists that say no more than that the owner may do everything.
_OWNER_ONLY = frozenset({"private", "bucket-owner-full-control", "bucket-owner-read"})
NO_GRANTS = dict.fromkeys(
    ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"),
    "no access lists are kept; a bucket policy grants access",
)
#: A new object has no grant of writing.
NO_GRANTS_OF_NEW = {name: why for name, why in NO_GRANTS.items() if name != "GrantWrite"}


class BucketOperations:
    """The handlers of buckets."""

    def __init__(self, access: Access, store: ObjectStore) -> None:
        self._access = access
        self._buckets = access.buckets
        self._store = store

    def operations(self) -> list[Operation]:
        """All of them."""
        whose = "Bucket ExpectedBucketOwner"
        own = True
        return [
            Operation(
                "ListBuckets",
                self.list_buckets,
                "MaxBuckets ContinuationToken Prefix BucketRegion",
                action="s3:ListAllMyBuckets",
            ),
            Operation(
                "CreateBucket",
                self.create,
                "Bucket CreateBucketConfiguration ACL ObjectOwnership",
                NO_GRANTS,
                resources=lambda call: (
                    f"arn:{partition_of(call.region)}:s3:::{call.get('Bucket')}",
                ),
            ),
            Operation(
                "HeadBucket", self.head, whose, action="s3:ListBucket", authorizes_itself=own
            ),
            Operation("DeleteBucket", self.delete, whose, authorizes_itself=own),
            Operation("GetBucketLocation", self.location, whose, authorizes_itself=own),
            Operation("GetBucketAcl", self.get_acl, whose, authorizes_itself=own),
            Operation(
                "PutBucketAcl",
                self.put_acl,
                f"{whose} ACL AccessControlPolicy",
                {**NO_GRANTS, **CHECKED_BY_PROTOCOL},
                authorizes_itself=own,
                note="accepted where it grants the owner alone",
            ),
        ]

    def list_buckets(self, call: Call) -> Result:
        """The caller's buckets."""
        prefix, region = call.get("Prefix") or "", call.get("BucketRegion")
        owned = self._buckets.owned_by(call.caller.account_id)
        used = [call.region, *(bucket.region for bucket in owned)]
        if region is not None and region not in (*AWS_REGIONS, *OPT_IN_REGIONS, *used):
            raise ServiceError(
                "InvalidArgument",
                f"Argument value {region} is not a valid AWS Region",
                fields={"ArgumentName": "bucket-region"},
            )
        found = [
            bucket
            for bucket in owned
            if bucket.name.startswith(prefix) and region in (None, bucket.region)
        ]
        token, limit = call.get("ContinuationToken"), call.get("MaxBuckets")
        if limit is not None and not 1 <= limit <= _LIST_MAX:
            raise ServiceError(
                "InvalidArgument",
                f"Argument maxBuckets must be an integer between 1 and {_LIST_MAX}",
                fields={"ArgumentName": "max-buckets", "ArgumentValue": str(limit)},
            )
        try:
            given, following = page(
                found,
                lambda bucket: bucket.name,
                int(limit or _LIST_MAX),
                token or None,
                question=f"{prefix}\0{region}",
            )
        except BadToken as error:
            raise ServiceError(
                "InvalidArgument",
                "The continuation token provided is incorrect",
                fields={"ArgumentName": "continuation-token"},
            ) from error
        paged = limit is not None or token is not None or bool(prefix)
        return {
            "Buckets": [self._listed(bucket, paged or bool(region)) for bucket in given],
            "Owner": owner_of(call.caller.account_id),
            "ContinuationToken": following,
            "Prefix": prefix or None,
        }

    @staticmethod
    def _listed(bucket: Bucket, with_region: bool) -> dict[str, Any]:
        listed: dict[str, Any] = {"Name": bucket.name, "CreationDate": int(bucket.created_s)}
        if with_region:
            listed |= {"BucketRegion": bucket.region, "BucketArn": bucket.arn}
        return listed

    def create(self, call: Call) -> Result:
        """Make a bucket."""
        name = call.parameters["Bucket"]
        configuration = call.get("CreateBucketConfiguration") or {}
        region = self._region(call, configuration.get("LocationConstraint"))
        documents: dict[str, Any] = dict(NEW_BUCKET_DOCUMENTS)
        ownership = call.get("ObjectOwnership")
        if ownership is not None and ownership not in OWNERSHIPS:
            raise ServiceError(
                "InvalidArgument",
                f"Invalid x-amz-object-ownership header: {ownership}",
                fields={"ArgumentName": "x-amz-object-ownership"},
            )
        if ownership:
            documents["ownership"] = {"Rules": [{"ObjectOwnership": ownership}]}
        if tags := configuration.get("Tags"):
            check_tags(tags)
            documents["tagging"] = {"TagSet": list(tags)}
        if call.get("ACL") not in (None, *_OWNER_ONLY):
            raise ServiceError(
                "InvalidBucketAclWithObjectOwnership"
                if not ownership or ownership == "BucketOwnerEnforced"
                else "InvalidBucketAclWithBlockPublicAccessError",
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
                fields={"BucketName": name},
            )
        place = Place(call.caller.account_id, region)
        with self._buckets.creating(place, name, call.now_s, documents) as made:
            if made is not None:
                self._store.create_bucket(name)
        location = f"/{name}"
        if region != FIRST_REGION:
            location = f"http://{name}.s3.amazonaws.com/"
        return {"Location": location, "BucketArn": self._buckets.get(name).arn}

    @staticmethod
    def _region(call: Call, constraint: str | None) -> str:
        """Where the bucket is to be: as the request says, in the region that it is signed for."""
        asked = call.region or FIRST_REGION
        if constraint is None or not constraint:
            if asked != FIRST_REGION:
                raise _illegal(
                    "The unspecified location constraint is incompatible for the region specific"
                    " endpoint this request was sent to."
                )
            return FIRST_REGION
        region = _OLD_REGIONS.get(constraint, constraint)
        if asked not in (FIRST_REGION, region):
            raise _illegal(
                f"The {constraint} location constraint is incompatible for the region specific"
                " endpoint this request was sent to."
            )
        if constraint == FIRST_REGION or region not in (asked, *AWS_REGIONS, *OPT_IN_REGIONS):
            raise ServiceError(
                "InvalidLocationConstraint",
                "The specified location-constraint is not valid",
                fields={"LocationConstraint": constraint},
            )
        return region

    def head(self, call: Call) -> Result:
        """Whether there is a bucket that the caller may list."""
        bucket = self._access.bucket(call, "ListBucket")
        return {
            "BucketRegion": bucket.region,
            "BucketArn": bucket.arn,
            "AccessPointAlias": False,
        }

    def delete(self, call: Call) -> Result:
        """Remove an empty bucket."""
        bucket = self._access.bucket(call, "DeleteBucket")
        with self._buckets.deleting(bucket.name):
            self._store.delete_bucket(bucket.name)
        return None

    def location(self, call: Call) -> Result:
        """The region; nothing for the first one."""
        bucket = self._access.bucket(call, "GetBucketLocation")
        return {"LocationConstraint": None if bucket.region == FIRST_REGION else bucket.region}

    def get_acl(self, call: Call) -> Result:
        """The owner may do everything."""
        return owner_acl(self._access.bucket(call, "GetBucketAcl"))

    def put_acl(self, call: Call) -> Result:
        """Accept what says no more than that."""
        bucket = self._access.bucket(call, "PutBucketAcl")
        refuse_other_acl(call, bucket)
        return None


def owner_acl(bucket: Bucket) -> dict[str, Any]:
    """The access list of a bucket and of all that is in it."""
    owner = owner_of(bucket.account_id)
    grantee = {**owner, "Type": "CanonicalUser"}
    return {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "FULL_CONTROL"}]}


def refuse_other_acl(call: Call, bucket: Bucket) -> None:
    """Refuse an access list that grants others anything.

    Errors: ServiceError ``AccessControlListNotSupported``.
    """
    policy = call.get("AccessControlPolicy") or {}
    owner = owner_of(bucket.account_id)["ID"]
    others = [
        grant
        for grant in policy.get("Grants") or ()
        if (grant.get("Grantee") or {}).get("ID") != owner
    ]
    if others or call.get("ACL") not in (None, *_OWNER_ONLY):
        raise ServiceError(
            "AccessControlListNotSupported",
            "The bucket does not allow ACLs",
            fields={"BucketName": bucket.name},
        )


def _illegal(message: str) -> ServiceError:
    return ServiceError("IllegalLocationConstraintException", message)
