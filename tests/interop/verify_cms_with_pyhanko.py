"""What pyHanko thinks of a CMS signature, and what its archive time-stamps must have been made over.

    verify_cms_with_pyhanko.py CMS ROOT [--detached FILE]

pyHanko does not judge archive-time-stamp-v3. Their imprints are computed here by the text of ETSI EN 319 122-1 section
5.5.3, with asn1crypto as the reader and hashlib for the digests; who calls has each token checked against its imprint.
"""

import argparse
import asyncio
import hashlib
import io
import json

from asn1crypto import algos, cms, core
from pyhanko.keys import load_cert_from_pemder
from pyhanko.sign.validation import async_validate_detached_cms
from pyhanko.sign.validation.generic_cms import async_validate_cms_signature
from pyhanko_certvalidator import ValidationContext

ARCHIVE = "0.4.0.1733.2.4"
INDEX = "0.4.0.19122.1.5"


class Digests(core.SequenceOf):
    _child_spec = core.OctetString


class HashIndex(core.Sequence):
    _fields = [
        ("algorithm", algos.DigestAlgorithm),
        ("certificates", Digests),
        ("crls", Digests),
        ("attributes", Digests),
    ]


def attribute_values(signer):
    """attrType and the encoding of each value, unsigned."""
    for attribute in signer["unsigned_attrs"] or []:
        for value in attribute["values"]:
            yield attribute["type"], value


def archives(signed_data, content):
    signer = signed_data["signer_infos"][0]
    for kind, value in attribute_values(signer):
        if kind.dotted != ARCHIVE:
            continue
        token = cms.ContentInfo.load(value.dump())
        info = token["content"]["encap_content_info"]["content"].parsed
        name = info["message_imprint"]["hash_algorithm"]["algorithm"].native
        digest = lambda data: hashlib.new(name, data).digest()
        own = token["content"]["signer_infos"][0]
        [index] = [held for held_kind, held in attribute_values(own) if held_kind.dotted == INDEX]
        index = HashIndex.load(index.dump())
        there = {digest(one.dump()) for one in signed_data["certificates"] or []}
        there |= {digest(one.dump()) for one in signed_data["crls"] or []}
        there |= {digest(kind.dump() + held.dump()) for kind, held in attribute_values(signer)}
        named = [one.native for list_name in ("certificates", "crls", "attributes") for one in index[list_name]]
        fields = ["version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature"]
        imprint = digest(
            signed_data["encap_content_info"]["content_type"].dump()
            + digest(content)
            + b"".join(signer[field].dump() for field in fields)
            + index.dump()
        )
        yield {
            "token": value.dump().hex(),
            "algorithm": name,
            "imprint": imprint.hex(),
            "named": len(named),
            "unknownInIndex": sum(one not in there for one in named),
        }


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("cms")
    arguments.add_argument("root")
    arguments.add_argument("--detached")
    given = arguments.parse_args()
    with open(given.cms, "rb") as file:
        signed_data = cms.ContentInfo.load(file.read())["content"]
    context = ValidationContext(trust_roots=[load_cert_from_pemder(given.root)], allow_fetching=False)
    if given.detached:
        with open(given.detached, "rb") as file:
            content = file.read()
        status = asyncio.run(
            async_validate_detached_cms(
                io.BytesIO(content), signed_data, signer_validation_context=context, ts_validation_context=context
            )
        )
        stamp = status.timestamp_validity
        answer = {
            "bottomLine": status.bottom_line,
            "timeStamp": None if stamp is None else stamp.intact and stamp.valid and stamp.trusted,
        }
    else:
        content = signed_data["encap_content_info"]["content"].native
        status = asyncio.run(async_validate_cms_signature(signed_data, validation_context=context))
        held = [kind.native for kind, _ in attribute_values(signed_data["signer_infos"][0])]
        answer = {
            "bottomLine": status.intact and status.valid and status.trusted,
            "timeStamp": True if "signature_time_stamp_token" in held else None,
        }
    found = list(archives(signed_data, content))
    answer |= {
        "intact": status.intact,
        "valid": status.valid,
        "trusted": status.trusted,
        "archives": found,
        "archiveTimeStamps": len(found),
    }
    print(json.dumps(answer))


main()
