"""Adds empty signature fields with pyHanko, so that kyso can keep what their authors ask.

    fields_with_pyhanko.py IN OUT SPEC.json

SPEC is a list of fields: {"name", "page"?, "box"?, "lock"?: {"action", "fields"?, "level"?},
"seed"?: {"flags"?: […], "reasons"?, "digests"?, "subfilters"?, "mdp"?, "tsa"?, "tsa_required"?, "add_rev_info"?,
"attestations"?, "lock_document"?, "appearance"?, "cert"?: {"flags"?, "subjects"?, "issuers"?, "subject_dn"?,
"key_usage"?, "url"?}}}. Certificates are PEM files; flags are pyHanko's names.
"""

import json
import sys
from functools import reduce
from operator import or_

from asn1crypto import x509
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields


def main() -> int:
    source, target, spec = sys.argv[1:4]
    with open(spec, encoding="utf-8") as file:
        wanted = json.load(file)
    with open(source, "rb") as read:
        writer = IncrementalPdfFileWriter(read)
        for field in wanted:
            fields.append_signature_field(writer, field_spec(field))
        with open(target, "wb") as out:
            writer.write(out)
    return 0


def field_spec(field) -> fields.SigFieldSpec:
    lock = field.get("lock")
    level = lock.get("level") if lock else None
    return fields.SigFieldSpec(
        sig_field_name=field["name"],
        on_page=field.get("page", 0),
        box=tuple(field["box"]) if "box" in field else None,
        field_mdp_spec=(
            fields.FieldMDPSpec(fields.FieldMDPAction("/" + lock["action"]), lock.get("fields"))
            if lock
            else None
        ),
        doc_mdp_update_value=fields.MDPPerm(level) if level else None,
        seed_value_dict=seed(field["seed"]) if "seed" in field else None,
    )


def seed(values) -> fields.SigSeedValueSpec:
    mdp = values.get("mdp")
    kind = None if mdp is None else fields.SeedSignatureType(fields.MDPPerm(mdp) if mdp else None)
    subfilters = values.get("subfilters")
    lock = values.get("lock_document")
    return fields.SigSeedValueSpec(
        flags=flags(fields.SigSeedValFlags, values.get("flags", [])),
        reasons=values.get("reasons"),
        timestamp_server_url=values.get("tsa"),
        timestamp_required=values.get("tsa_required", False),
        cert=certificate(values["cert"]) if "cert" in values else None,
        subfilters=[fields.SigSeedSubFilter("/" + name) for name in subfilters] if subfilters else None,
        digest_methods=values.get("digests"),
        add_rev_info=values.get("add_rev_info"),
        seed_signature_type=kind,
        legal_attestations=values.get("attestations"),
        lock_document=fields.SeedLockDocument("/" + lock) if lock else None,
        appearance=values.get("appearance"),
    )


def certificate(values) -> fields.SigCertConstraints:
    usages = values.get("key_usage")
    name = values.get("subject_dn")
    return fields.SigCertConstraints(
        flags=flags(fields.SigCertConstraintFlags, values.get("flags", [])),
        subjects=load_certs(values.get("subjects")),
        issuers=load_certs(values.get("issuers")),
        subject_dn=x509.Name.build(name) if name else None,
        key_usage=[fields.SigCertKeyUsage.read_from_sv_string(one) for one in usages] if usages else None,
        info_url=values.get("url"),
    )


def load_certs(paths):
    return list(load_certs_from_pemder(paths)) if paths else None


def flags(kind, names):
    return reduce(or_, (kind[name] for name in names), kind(0))


if __name__ == "__main__":
    sys.exit(main())
