"""A detached CMS by pyHanko, with its CMSAlgorithmProtection attribute.

    cms_with_pyhanko.py KEY CERTIFICATE DOCUMENT OUTPUT DIGEST [pss]
"""

import asyncio
import sys

from pyhanko.sign.signers.pdf_cms import SimpleSigner

key, certificate, document, output, digest = sys.argv[1:6]
signer = SimpleSigner.load(key, certificate, prefer_pss=sys.argv[6:] == ["pss"])
with open(document, "rb") as file:
    data = file.read()
cms = asyncio.run(signer.async_sign_general_data(data, digest, detached=True, use_cades=False))
with open(output, "wb") as file:
    file.write(cms.dump())
