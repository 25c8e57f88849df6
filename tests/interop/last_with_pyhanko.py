"""What pyHanko makes of signatures that last: judges them with time (ETSI EN 319 102-1), stores evidence, renews.

    last_with_pyhanko.py judge FILE --trust CA.pem… [--crl F]… [--ocsp F]… [--at RFC3339]
        Validation with long-term data, offline: nothing but the file and what is given. Prints JSON:
        [{"field", "indication": "OK|…", "message", "oldest_archive_time", "time_stamp": "OK|…|null"}]
    last_with_pyhanko.py fix IN OUT --trust CA.pem…
        Fetches the evidence of each signature and puts it into /DSS, with /VRI.
    last_with_pyhanko.py update IN OUT --trust CA.pem… --tsa URL
        Adds the evidence of the last document time-stamp and a new document time-stamp.
"""

import argparse
import asyncio
import dataclasses
import json
import logging
import shutil
import sys
from datetime import datetime, timezone

from asn1crypto import crl, ocsp
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers, timestamps
from pyhanko.sign.validation import DocumentSecurityStore, add_validation_info, ades
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer


def main() -> int:
    args = arguments()
    logging.disable(logging.CRITICAL)
    match args.task:
        case "judge":
            print(json.dumps(judge(args), ensure_ascii=False, indent=2))
        case "fix":
            fix(args)
        case "update":
            update(args)
    return 0


def judge(args) -> list:
    roots = certificates(args.trust)
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=roots),
        revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=REQUIRE_REVINFO),
    )
    knowledge = LocalKnowledge(
        known_crls=[CRLContainer(crl.CertificateList.load(read(path))) for path in args.crl],
        known_ocsps=[
            container
            for path in args.ocsp
            for container in OCSPContainer.load_multi(ocsp.OCSPResponse.load(read(path)))
        ],
    )
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=policy,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            local_knowledge=knowledge,
        )
    )
    moment = args.at or datetime.now(tz=timezone.utc)
    timing = ValidationTimingInfo(
        validation_time=moment, best_signature_time=moment, point_in_time_validation=False
    )
    with open(args.file, "rb") as stream:
        reader = PdfFileReader(stream, strict=True)
        return [one(embedded, spec, timing) for embedded in reader.embedded_regular_signatures]


def one(embedded, spec, timing) -> dict:
    if embedded.reader.embedded_timestamp_signatures:
        result = asyncio.run(ades.ades_lta_validation(embedded, spec, timing_info=timing))
        stamp = result.signature_timestamp_status
        archive = result.oldest_evidence_record_timestamp
    else:
        # Without an archive there is nothing to go back to: section 5.5, with what /DSS holds.
        embedded.compute_integrity_info()
        result = asyncio.run(
            ades.ades_with_time_validation(
                embedded.signed_data,
                with_store(embedded.reader, spec.signature_validation_spec),
                timing_info=timing,
                raw_digest=embedded.compute_digest(),
            )
        )
        stamp, archive = result, None
    return {
        "field": embedded.field_name,
        "indication": result.ades_subindic.name,
        "message": result.failure_msg,
        "oldest_archive_time": iso(archive),
        "best_time": iso(result.best_signature_time),
        "time_stamp": stamp.ades_subindic.name if stamp is not None else None,
    }


def with_store(reader, spec):
    """The same rules, knowing what the file's /DSS holds."""
    store = DocumentSecurityStore.read_dss(reader)
    known = spec.local_knowledge
    answers = [ocsp.OCSPResponse.load(item.get_object().data) for item in store.ocsps]
    lists = [crl.CertificateList.load(item.get_object().data) for item in store.crls]
    knowledge = dataclasses.replace(
        known,
        known_ocsps=known.known_ocsps + [one for it in answers for one in OCSPContainer.load_multi(it)],
        known_crls=known.known_crls + [CRLContainer(it) for it in lists],
        known_certs=list(store.load_certs()),
    )
    return dataclasses.replace(spec, local_knowledge=knowledge)


def fix(args) -> None:
    shutil.copyfile(args.file, args.output)
    with open(args.output, "rb") as stream:
        count = len(PdfFileReader(stream).embedded_regular_signatures)
    for index in range(count):
        with open(args.output, "r+b") as stream:
            embedded = PdfFileReader(stream).embedded_regular_signatures[index]
            add_validation_info(embedded, online(args), in_place=True)


def update(args) -> None:
    shutil.copyfile(args.file, args.output)
    with open(args.output, "r+b") as stream:
        stamper = signers.PdfTimeStamper(timestamps.HTTPTimeStamper(args.tsa))
        stamper.update_archival_timestamp_chain(PdfFileReader(stream), online(args), in_place=True)


def online(args) -> ValidationContext:
    return ValidationContext(
        trust_roots=certificates(args.trust), allow_fetching=True, revocation_mode="hard-fail"
    )


def certificates(paths):
    return [certificate for path in paths for certificate in load_certs_from_pemder([path])]


def read(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def iso(moment):
    return moment.isoformat() if moment is not None else None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("judge", "fix", "update"))
    parser.add_argument("file")
    parser.add_argument("output", nargs="?")
    parser.add_argument("--trust", action="append", default=[], help="an anchor, PEM or DER")
    parser.add_argument("--crl", action="append", default=[])
    parser.add_argument("--ocsp", action="append", default=[])
    parser.add_argument("--tsa", help="address of a time-stamp authority")
    parser.add_argument("--at", type=datetime.fromisoformat, help="judge at this moment")
    args = parser.parse_args()
    if args.task != "judge" and not args.output:
        parser.error("this needs OUT")
    if args.task == "update" and not args.tsa:
        parser.error("update needs --tsa")
    return args


if __name__ == "__main__":
    sys.exit(main())
