"""Judges the signatures of a PDF with pyHanko and prints the verdicts as one JSON object.

Nothing is fetched: certificates, CRLs and OCSP answers come from the file or from the arguments.

    verify_with_pyhanko.py FILE --trust CA.pem [--trust …] [--other CERT.pem] [--crl F] [--ocsp F]
                                [--password P] [--at RFC3339] [--lenient] [--no-diff]

    {"pyhanko": "0.38.0", "signatures": [{"field", "kind": "signature|timestamp", "subfilter",
     "intact", "valid", "trusted", "bottom_line", "coverage", "modification_level", "suspicion", "docmdp_ok",
     "md_algorithm", "mechanism", "signer", "claimed_time", "timestamp": {"time", "intact", "valid", "trusted"} | null,
     "summary", "error": null | "…"}]}

Exit status: 0 when the verdicts were printed, whatever they are; 1 when the file could not be judged.
"""

import argparse
import json
import logging
import sys
from datetime import datetime
from importlib.metadata import version

from asn1crypto import crl, ocsp
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext


def main() -> int:
    args = arguments()
    # pyHanko logs each failed chain with a trace; the verdict already says it.
    logging.disable(logging.CRITICAL)
    # pyHanko changes a context while it validates, so each signature gets a new one.
    verdicts = []
    try:
        with open(args.file, "rb") as stream:
            reader = PdfFileReader(stream, strict=not args.lenient)
            if reader.encrypted:
                reader.decrypt((args.password or "").encode())
            for embedded in reader.embedded_signatures:
                verdicts.append(judge(embedded, args))
    except (PdfError, OSError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 1
    json.dump(
        {"pyhanko": version("pyhanko"), "signatures": verdicts},
        sys.stdout,
        ensure_ascii=False,
        indent=2,
    )
    print()
    return 0


def judge(embedded, args) -> dict:
    kind = "timestamp" if embedded.sig_object_type == "/DocTimeStamp" else "signature"
    verdict = {
        "field": embedded.field_name,
        "kind": kind,
        "subfilter": str(embedded.sig_object.get("/SubFilter", "")),
        "intact": False,
        "valid": False,
        "trusted": False,
        "bottom_line": False,
        "error": None,
    }
    try:
        if kind == "timestamp":
            status = validate_pdf_timestamp(embedded, context(args), skip_diff=args.no_diff)
        else:
            status = validate_pdf_signature(
                embedded, context(args), ts_validation_context=context(args), skip_diff=args.no_diff
            )
    except (SignatureValidationError, PdfError, ValueError) as error:
        verdict["error"] = f"{type(error).__name__}: {error}"
        return verdict
    verdict.update(
        intact=status.intact,
        valid=status.valid,
        trusted=status.trusted,
        bottom_line=bottom_line(status),
        coverage=status.coverage.name if status.coverage is not None else None,
        modification_level=(
            status.modification_level.name if status.modification_level is not None else None
        ),
        suspicion=suspicion(status),
        docmdp_ok=status.docmdp_ok,
        md_algorithm=status.md_algorithm,
        mechanism=status.pkcs7_signature_mechanism,
        signer=status.signing_cert.subject.human_friendly,
        claimed_time=iso(getattr(status, "signer_reported_dt", None)),
        timestamp=time_stamp(status),
        summary=status.summary(),
    )
    return verdict


def suspicion(status):
    """Why pyHanko does not take what came later."""
    found = getattr(status, "diff_result", None)
    return str(found) if isinstance(found, Exception) else None


def bottom_line(status) -> bool:
    # pyHanko gives document time-stamps no bottom line of their own. Signatures may follow them, which is form filling.
    if hasattr(status, "bottom_line"):
        return status.bottom_line
    unchanged = status.modification_level is not None and status.modification_level.name in (
        "NONE",
        "LTA_UPDATES",
        "FORM_FILLING",
    )
    return status.intact and status.valid and status.trusted and unchanged


def time_stamp(status):
    validity = getattr(status, "timestamp_validity", None)
    if validity is None and getattr(status, "timestamp", None) is not None:
        validity = status
    if validity is None:
        return None
    return {
        "time": iso(validity.timestamp),
        "intact": validity.intact,
        "valid": validity.valid,
        "trusted": validity.trusted,
    }


def context(args) -> ValidationContext:
    return ValidationContext(
        trust_roots=certificates(args.trust),
        other_certs=certificates(args.other),
        crls=[crl.CertificateList.load(der(path)) for path in args.crl],
        ocsps=[ocsp.OCSPResponse.load(der(path)) for path in args.ocsp],
        allow_fetching=False,
        moment=args.at,
        best_signature_time=args.at,
        revocation_mode="soft-fail",
    )


def certificates(paths):
    return [certificate for path in paths for certificate in load_certs_from_pemder([path])]


def der(path) -> bytes:
    from asn1crypto import pem

    with open(path, "rb") as file:
        raw = file.read()
    return pem.unarmor(raw)[2] if pem.detect(raw) else raw


def iso(moment):
    return moment.isoformat() if moment is not None else None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--trust", action="append", default=[], help="an anchor, PEM or DER")
    parser.add_argument("--other", action="append", default=[], help="an intermediate certificate")
    parser.add_argument("--crl", action="append", default=[])
    parser.add_argument("--ocsp", action="append", default=[])
    parser.add_argument("--password")
    parser.add_argument("--at", type=datetime.fromisoformat, help="judge at this moment")
    parser.add_argument("--lenient", action="store_true", help="read hybrid files")
    parser.add_argument("--no-diff", action="store_true", help="do not look at later revisions")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
