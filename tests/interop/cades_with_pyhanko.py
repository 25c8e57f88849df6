"""A CAdES signature by pyHanko with time-stamps on its content and on its value.

    cades_with_pyhanko.py KEY CERTIFICATE CHAIN DOCUMENT OUTPUT DIGEST TSA (apart|inside)
"""

import asyncio
import sys

from pyhanko.sign import timestamps
from pyhanko.sign.ades.api import CAdESSignedAttrSpec
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, SimpleSigner

key, certificate, chain, document, output, digest, tsa, place = sys.argv[1:9]
signer = SimpleSigner.load(key, certificate, ca_chain_files=(chain,))
with open(document, "rb") as file:
    data = file.read()
cms = asyncio.run(
    signer.async_sign_general_data(
        data,
        digest,
        detached=place == "apart",
        use_cades=True,
        timestamper=timestamps.HTTPTimeStamper(tsa),
        signed_attr_settings=PdfCMSSignedAttributes(
            cades_signed_attrs=CAdESSignedAttrSpec(timestamp_content=True)
        ),
    )
)
with open(output, "wb") as file:
    file.write(cms.dump())
