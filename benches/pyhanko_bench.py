"""The pyHanko side of the bench: signs and verifies in warm loops inside one process.

    pyhanko_bench.py [--module SO --token LABEL --key LABEL --cert CERT.pem] --trust CA.pem --scratch DIR
                     sign:RUNS:FILE | verify:RUNS:FILE …

What is in brackets is for signing; the PIN is read from INTEROP_SECRET. One token session is opened and one key found before the clock starts; each job
has one run before those that count. Prints a JSON list: for each job the seconds of each run, in order.

A signature is PAdES B-B with SHA-256 by RSA PKCS#1 v1.5, as kyso makes it. The result is written to a file, as kyso
does; the time of the copy is part of the run on both sides. Checking looks at byte ranges, digest, signature and
path, with no revocation evidence at hand.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import time

from pyhanko.config.pkcs11 import TokenCriteria
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, pkcs11, signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext


def main() -> int:
    args = arguments()
    logging.disable(logging.CRITICAL)
    session = signer = None
    if args.module:
        session = pkcs11.open_pkcs11_session(
            args.module, token_criteria=TokenCriteria(label=args.token), user_pin=os.environ["INTEROP_SECRET"]
        )
        signer = pkcs11.PKCS11Signer(
            session, key_label=args.key, signing_cert=next(iter(load_certs_from_pemder([args.cert])))
        )
    roots = list(load_certs_from_pemder([args.trust]))
    answers = []
    for job in args.jobs:
        task, runs, path = job.split(":", 2)
        out = os.path.join(args.scratch, "pyhanko.pdf")
        run = (lambda: sign(signer, path, out)) if task == "sign" else (lambda: verify(path, roots))
        run()
        answers.append([timed(run) for _ in range(int(runs))])
    if session:
        session.close()
    json.dump(answers, sys.stdout)
    return 0


def timed(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def sign(signer, path, out):
    with open(path, "rb") as source, open(out, "w+b") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        writer = IncrementalPdfFileWriter(target)
        metadata = signers.PdfSignatureMetadata(
            field_name="Signature1", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
        )
        signers.PdfSigner(metadata, signer=signer).sign_pdf(writer, in_place=True)
        target.flush()
        os.fsync(target.fileno())


def verify(path, roots):
    context = ValidationContext(trust_roots=roots, allow_fetching=False, revocation_mode="soft-fail")
    with open(path, "rb") as stream:
        statuses = [
            validate_pdf_signature(signature, context) for signature in PdfFileReader(stream).embedded_signatures
        ]
    if not statuses:
        sys.exit(f"{path}: pyHanko finds no signature")
    for status in statuses:
        if not (status.intact and status.valid and status.trusted):
            sys.exit(f"{path}: pyHanko does not accept what it is timed with: {status.summary()}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("module", "token", "key", "cert"):
        parser.add_argument(f"--{option}")
    for option in ("trust", "scratch"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("jobs", nargs="+")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
