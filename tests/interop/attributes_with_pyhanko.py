"""What pyHanko reads in the signed attributes of a PDF's signatures, and what they bind: one JSON list.

    attributes_with_pyhanko.py FILE

    [{"field", "policy": {"id", "digest_algorithm", "digest", "uri"} | null, "commitment": OID | null,
      "roles": […], "docmdp": 1 to 3 | null, "fieldmdp": {"action", "fields"} | null, "certifies": bool}]
"""

import json
import sys

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades import cades_asn1  # noqa: F401: registers the attributes with asn1crypto


def main() -> int:
    with open(sys.argv[1], "rb") as file:
        reader = PdfFileReader(file)
        told = [tell(reader, embedded) for embedded in reader.embedded_signatures]
    json.dump(told, sys.stdout, ensure_ascii=False)
    return 0


def tell(reader, embedded) -> dict:
    attributes = {one["type"].native: one["values"][0] for one in embedded.signer_info["signed_attrs"]}
    policy = attributes.get("signature_policy_identifier")
    commitment = attributes.get("commitment_type")
    signer = attributes.get("signer_attributes_v2")
    lock = embedded.fieldmdp
    level = embedded.docmdp_level
    permissions = reader.root.get("/Perms", {})
    certifying = permissions.raw_get("/DocMDP").reference if "/DocMDP" in permissions else None
    return {
        "field": embedded.field_name,
        "policy": read_policy(policy.chosen) if policy is not None else None,
        "commitment": commitment["commitment_type_id"].dotted if commitment is not None else None,
        "roles": read_roles(signer) if signer is not None else [],
        "docmdp": level.value if level is not None else None,
        "fieldmdp": {"action": lock.action.value, "fields": lock.fields} if lock is not None else None,
        "certifies": certifying is not None and certifying == embedded.sig_object.container_ref,
    }


def read_policy(policy) -> dict:
    qualifiers = policy["sig_policy_qualifiers"]
    return {
        "id": policy["sig_policy_id"].dotted,
        "digest_algorithm": policy["sig_policy_hash"]["digest_algorithm"]["algorithm"].native,
        "digest": policy["sig_policy_hash"]["digest"].native.hex(),
        "uri": qualifiers[0]["sig_qualifier"].native if len(qualifiers) else None,
    }


def read_roles(signer) -> list:
    return [value.native for claimed in signer["claimed_attributes"] for value in claimed["values"]]


if __name__ == "__main__":
    sys.exit(main())
