"""Signs a PDF with pyHanko, so that kyso can judge what others made.

    sign_with_pyhanko.py IN OUT (--key KEY.pem --cert CERT.pem | --p12 FILE | --module SO --token LABEL --key-label L)
                         [--chain CA.pem]… [--tsa URL] [--field NAME] [--digest sha256|sha384|sha512]
                         [--pss] [--pkcs7] [--certify P] [--timestamp-only] [--reason R] [--location L]
                         [--lta --trust CA.pem] [--password P]

PAdES baseline B-B, or B-T with `--tsa`; `--pkcs7` gives `adbe.pkcs7.detached` instead. The password of a key or
PKCS#12 file, or the PIN of a token, is read from the environment variable INTEROP_SECRET, and may be absent.
"""

import argparse
import os
import shutil
import sys

from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko_certvalidator import ValidationContext


def main() -> int:
    args = arguments()
    stamper = timestamps.HTTPTimeStamper(args.tsa) if args.tsa else None
    with open(args.input, "rb") as source, open(args.output, "w+b") as out:
        shutil.copyfileobj(source, out, 1 << 20)
        out.seek(0)
        writer = IncrementalPdfFileWriter(out)
        if args.password is not None:
            writer.encrypt(args.password)
        if args.timestamp_only:
            signers.PdfTimeStamper(stamper).timestamp_pdf(
                writer, args.digest, context(args), in_place=True
            )
        else:
            with opened_signer(args) as signer:
                signers.PdfSigner(
                    metadata(args), signer=signer, timestamper=stamper
                ).sign_pdf(writer, in_place=True)
    return 0


def metadata(args) -> signers.PdfSignatureMetadata:
    subfilter = (
        fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED
        if args.pkcs7
        else fields.SigSeedSubFilter.PADES
    )
    return signers.PdfSignatureMetadata(
        field_name=args.field,
        md_algorithm=args.digest,
        subfilter=subfilter,
        reason=args.reason,
        location=args.location,
        certify=args.certify is not None,
        docmdp_permissions=fields.MDPPerm(args.certify or 2),
        embed_validation_info=args.lta,
        use_pades_lta=args.lta,
        validation_context=context(args) if args.lta else None,
    )


def context(args) -> ValidationContext:
    return ValidationContext(
        trust_roots=certificates(args.trust), allow_fetching=True, revocation_mode="soft-fail"
    )


class opened_signer:
    """A signer for the length of a `with` block: a token's session is closed at its end."""

    def __init__(self, args):
        self.args = args
        self.session = None

    def __enter__(self):
        args, secret = self.args, os.environ.get("INTEROP_SECRET")
        if args.module:
            from pyhanko.config.pkcs11 import TokenCriteria
            from pyhanko.sign import pkcs11

            self.session = pkcs11.open_pkcs11_session(
                args.module, token_criteria=TokenCriteria(label=args.token), user_pin=secret
            )
            return pkcs11.PKCS11Signer(
                self.session,
                key_label=args.key_label,
                cert_label=None if args.cert else args.key_label,
                signing_cert=certificates([args.cert])[0] if args.cert else None,
                ca_chain=certificates(args.chain),
                prefer_pss=args.pss,
            )
        if args.p12:
            return checked(
                signers.SimpleSigner.load_pkcs12(
                    args.p12,
                    ca_chain_files=args.chain,
                    passphrase=secret.encode() if secret else None,
                    prefer_pss=args.pss,
                )
            )
        return checked(
            signers.SimpleSigner.load(
                args.key,
                args.cert,
                ca_chain_files=args.chain,
                key_passphrase=secret.encode() if secret else None,
                prefer_pss=args.pss,
            )
        )

    def __exit__(self, *_):
        if self.session is not None:
            self.session.close()


def checked(signer):
    if signer is None:
        sys.exit("the key or the certificate could not be loaded")
    return signer


def certificates(paths):
    return [certificate for path in paths for certificate in load_certs_from_pemder([path])]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--key", help="a private key, PEM or DER")
    parser.add_argument("--cert", help="its certificate")
    parser.add_argument("--p12")
    parser.add_argument("--module", help="a PKCS#11 module")
    parser.add_argument("--token", help="a token label")
    parser.add_argument("--key-label")
    parser.add_argument("--chain", action="append", default=[], help="a CA certificate to put in the CMS")
    parser.add_argument("--trust", action="append", default=[], help="an anchor, for --lta")
    parser.add_argument("--tsa", help="address of a time-stamp authority")
    parser.add_argument("--field", default="Signature1")
    parser.add_argument("--digest", default="sha256")
    parser.add_argument("--pss", action="store_true")
    parser.add_argument("--pkcs7", action="store_true")
    parser.add_argument("--certify", type=int, choices=(1, 2, 3))
    parser.add_argument("--timestamp-only", action="store_true")
    parser.add_argument("--lta", action="store_true")
    parser.add_argument("--reason")
    parser.add_argument("--location")
    parser.add_argument("--password", help="of an encrypted file")
    args = parser.parse_args()
    if not (args.module or args.p12 or (args.key and args.cert) or args.timestamp_only):
        parser.error("give --key and --cert, or --p12, or --module")
    if (args.timestamp_only or args.lta) and not args.tsa:
        parser.error("--timestamp-only and --lta need --tsa")
    return args


if __name__ == "__main__":
    sys.exit(main())
