"""Encrypts a PDF with pyHanko, so that kyso can read and extend what others encrypted.

    encrypt_with_pyhanko.py IN OUT MODE [--user P] [--owner P] [--cert CERT.pem]

MODE: aes256 (V5 R6), aes128 (V4 R4), rc4-128 (V2 R3), rc4-40 (V1 R2), cleartext-metadata (aes256 without the
metadata), attachments (strings and streams by the crypt filter Identity, embedded files by AES-256), pubkey (a
public-key security handler, for CERT).
"""

import argparse

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import (
    IDENTITY,
    STD_CF,
    CryptFilterConfiguration,
    StandardAESCryptFilter,
    StandardSecurityHandler,
    StandardSecuritySettingsRevision,
)
from pyhanko.pdf_utils.crypt.permissions import StandardPermissions
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer


def main() -> int:
    args = arguments()
    with open(args.input, "rb") as source, open(args.output, "wb") as out:
        writer = copy_into_new_writer(PdfFileReader(source))
        if args.mode == "pubkey":
            writer.encrypt_pubkey([load_cert_from_pemder(args.cert)])
        elif args.mode in ("aes256", "cleartext-metadata"):
            writer.encrypt(args.owner, args.user, encrypt_metadata=args.mode == "aes256")
        elif args.mode == "attachments":
            handler = StandardSecurityHandler.build_from_pw(args.owner, args.user)
            handler.crypt_filter_config = CryptFilterConfiguration(
                {STD_CF: StandardAESCryptFilter(keylen=32)},
                default_stream_filter=IDENTITY,
                default_string_filter=IDENTITY,
                default_file_filter=STD_CF,
            )
            handler.crypt_filter_config.set_security_handler(handler)
            writer._assign_security_handler(handler)
        else:
            legacy(writer, args)
        writer.write(out)
    return 0


def legacy(writer, args):
    revision, length, aes = {
        "rc4-40": (StandardSecuritySettingsRevision.RC4_BASIC, 5, False),
        "rc4-128": (StandardSecuritySettingsRevision.RC4_EXTENDED, 16, False),
        "aes128": (StandardSecuritySettingsRevision.RC4_OR_AES128, 16, True),
    }[args.mode]
    handler = StandardSecurityHandler.build_from_pw_legacy(
        revision,
        generic.ByteStringObject(writer.document_id[0]).original_bytes,
        args.owner,
        args.user,
        keylen_bytes=length,
        use_aes128=aes,
        perms=StandardPermissions.allow_everything(),
    )
    writer._assign_security_handler(handler)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("mode")
    parser.add_argument("--user", default="")
    parser.add_argument("--owner", default="owner")
    parser.add_argument("--cert")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
