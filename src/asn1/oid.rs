//! The object identifiers that kyso knows, under the names of the standards that define them.

use der::oid::ObjectIdentifier as Oid;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        $($(#[$doc])* pub const $name: Oid = Oid::new_unwrap($value);)*
    };
}

oids! {
    /// id-data, RFC 5652 section 4.
    DATA = "1.2.840.113549.1.7.1";
    /// id-signedData, RFC 5652 section 5.1.
    SIGNED_DATA = "1.2.840.113549.1.7.2";
    /// id-contentType, RFC 5652 section 11.1.
    CONTENT_TYPE = "1.2.840.113549.1.9.3";
    /// id-messageDigest, RFC 5652 section 11.2.
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
    /// id-signingTime, RFC 5652 section 11.3.
    SIGNING_TIME = "1.2.840.113549.1.9.5";
    /// id-aa-signingCertificate, RFC 2634 section 5.4.
    SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
    /// id-aa-signingCertificateV2, RFC 5035 section 3.
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
    /// id-aa-timeStampToken, RFC 3161 appendix A.
    TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14";
    /// id-ct-TSTInfo, RFC 3161 section 2.4.2.
    TST_INFO = "1.2.840.113549.1.9.16.1.4";
    /// id-aa-CMSAlgorithmProtection, RFC 6211 section 2.
    CMS_ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52";
    /// id-aa-ets-sigPolicyId, RFC 5126 section 5.8.1.
    SIGNATURE_POLICY_ID = "1.2.840.113549.1.9.16.2.15";
    /// id-aa-ets-commitmentType, RFC 5126 section 5.11.1.
    COMMITMENT_TYPE = "1.2.840.113549.1.9.16.2.16";
    /// id-aa-ets-signerLocation, RFC 5126 section 5.11.2.
    SIGNER_LOCATION = "1.2.840.113549.1.9.16.2.17";
    /// id-aa-ets-signerAttr, RFC 5126 section 5.11.3.
    SIGNER_ATTRIBUTES = "1.2.840.113549.1.9.16.2.18";
    /// id-aa-ets-signerAttrV2, ETSI EN 319 122-1 section 5.2.6.1.
    SIGNER_ATTRIBUTES_V2 = "0.4.0.19122.1.1";
    /// id-spq-ets-uri, RFC 5126 section 5.8.1.
    SPQ_URI = "1.2.840.113549.1.9.16.5.1";
    /// id-cti-ets-proofOfOrigin, RFC 5126 section 5.11.1.
    PROOF_OF_ORIGIN = "1.2.840.113549.1.9.16.6.1";
    /// id-cti-ets-proofOfReceipt, RFC 5126 section 5.11.1.
    PROOF_OF_RECEIPT = "1.2.840.113549.1.9.16.6.2";
    /// id-cti-ets-proofOfDelivery, RFC 5126 section 5.11.1.
    PROOF_OF_DELIVERY = "1.2.840.113549.1.9.16.6.3";
    /// id-cti-ets-proofOfSender, RFC 5126 section 5.11.1.
    PROOF_OF_SENDER = "1.2.840.113549.1.9.16.6.4";
    /// id-cti-ets-proofOfApproval, RFC 5126 section 5.11.1.
    PROOF_OF_APPROVAL = "1.2.840.113549.1.9.16.6.5";
    /// id-cti-ets-proofOfCreation, RFC 5126 section 5.11.1.
    PROOF_OF_CREATION = "1.2.840.113549.1.9.16.6.6";
    /// id-aa-ets-contentTimestamp, RFC 5126 section 5.11.4.
    CONTENT_TIME_STAMP = "1.2.840.113549.1.9.16.2.20";
    /// id-aa-ets-certificateRefs, RFC 5126 section 6.2.1.
    CERTIFICATE_REFS = "1.2.840.113549.1.9.16.2.21";
    /// id-aa-ets-revocationRefs, RFC 5126 section 6.2.2.
    REVOCATION_REFS = "1.2.840.113549.1.9.16.2.22";
    /// id-aa-ets-certValues, RFC 5126 section 6.3.3.
    CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23";
    /// id-aa-ets-revocationValues, RFC 5126 section 6.3.4.
    REVOCATION_VALUES = "1.2.840.113549.1.9.16.2.24";
    /// id-aa-ets-escTimeStamp, RFC 5126 section 6.3.5.
    ESC_TIME_STAMP = "1.2.840.113549.1.9.16.2.25";
    /// id-aa-ets-certCRLTimestamp, RFC 5126 section 6.3.6.
    CERT_CRL_TIME_STAMP = "1.2.840.113549.1.9.16.2.26";
    /// id-aa-ets-archiveTimestamp, RFC 3126 section 3.12.1: the first version.
    ARCHIVE_TIME_STAMP_V1 = "1.2.840.113549.1.9.16.2.27";
    /// id-aa-ets-archiveTimestampV2, RFC 5126 section 6.4.1.
    ARCHIVE_TIME_STAMP_V2 = "1.2.840.113549.1.9.16.2.48";
    /// id-aa-ets-archiveTimestampV3, ETSI EN 319 122-1 section 5.5.3.
    ARCHIVE_TIME_STAMP_V3 = "0.4.0.1733.2.4";
    /// id-aa-ATSHashIndex-v3, ETSI EN 319 122-1 section 5.5.2.
    ATS_HASH_INDEX_V3 = "0.4.0.19122.1.5";
    /// id-aa-ets-longTermValidation, ETSI TS 101 733 section 6.5.
    LONG_TERM_VALIDATION = "0.4.0.1733.2.2";
    /// id-countersignature, RFC 5652 section 11.4.
    COUNTER_SIGNATURE = "1.2.840.113549.1.9.6";
    /// adbe-revocationInfoArchival, ISO 32000-1 section 12.8.3.3.2.
    ADOBE_REVOCATION = "1.2.840.113583.1.1.8";
    /// id-md5, RFC 1321.
    MD5 = "1.2.840.113549.2.5";
    /// id-sha1.
    SHA1 = "1.3.14.3.2.26";
    /// id-sha224, RFC 5754.
    SHA224 = "2.16.840.1.101.3.4.2.4";
    /// id-sha256, RFC 5754.
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// id-sha384, RFC 5754.
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// id-sha512, RFC 5754.
    SHA512 = "2.16.840.1.101.3.4.2.3";
    /// id-sha512-224, RFC 8017.
    SHA512_224 = "2.16.840.1.101.3.4.2.5";
    /// id-sha512-256, RFC 8017.
    SHA512_256 = "2.16.840.1.101.3.4.2.6";
    /// id-sha3-224, RFC 9688.
    SHA3_224 = "2.16.840.1.101.3.4.2.7";
    /// id-sha3-256, RFC 9688.
    SHA3_256 = "2.16.840.1.101.3.4.2.8";
    /// id-sha3-384, RFC 9688.
    SHA3_384 = "2.16.840.1.101.3.4.2.9";
    /// id-sha3-512, RFC 9688.
    SHA3_512 = "2.16.840.1.101.3.4.2.10";
    /// id-shake128, RFC 8702.
    SHAKE128 = "2.16.840.1.101.3.4.2.11";
    /// id-shake256, RFC 8702.
    SHAKE256 = "2.16.840.1.101.3.4.2.12";
    /// id-shake256-len, RFC 8419 section 2.2: the length of the output is the parameter.
    SHAKE256_LEN = "2.16.840.1.101.3.4.2.18";
    /// rsaEncryption, RFC 8017.
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    /// md5WithRSAEncryption.
    MD5_WITH_RSA = "1.2.840.113549.1.1.4";
    /// sha1WithRSAEncryption.
    SHA1_WITH_RSA = "1.2.840.113549.1.1.5";
    /// sha1WithRSASignature of the OIW, as older programs write it.
    OIW_SHA1_WITH_RSA = "1.3.14.3.2.29";
    /// id-mgf1, RFC 8017.
    MGF1 = "1.2.840.113549.1.1.8";
    /// id-RSASSA-PSS, RFC 4055.
    RSASSA_PSS = "1.2.840.113549.1.1.10";
    /// sha256WithRSAEncryption.
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    /// sha384WithRSAEncryption.
    SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
    /// sha512WithRSAEncryption.
    SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
    /// sha224WithRSAEncryption.
    SHA224_WITH_RSA = "1.2.840.113549.1.1.14";
    /// sha512-224WithRSAEncryption, RFC 8017.
    SHA512_224_WITH_RSA = "1.2.840.113549.1.1.15";
    /// sha512-256WithRSAEncryption, RFC 8017.
    SHA512_256_WITH_RSA = "1.2.840.113549.1.1.16";
    /// id-rsassa-pkcs1-v1-5-with-sha3-224, RFC 9688.
    SHA3_224_WITH_RSA = "2.16.840.1.101.3.4.3.13";
    /// id-rsassa-pkcs1-v1-5-with-sha3-256, RFC 9688.
    SHA3_256_WITH_RSA = "2.16.840.1.101.3.4.3.14";
    /// id-rsassa-pkcs1-v1-5-with-sha3-384, RFC 9688.
    SHA3_384_WITH_RSA = "2.16.840.1.101.3.4.3.15";
    /// id-rsassa-pkcs1-v1-5-with-sha3-512, RFC 9688.
    SHA3_512_WITH_RSA = "2.16.840.1.101.3.4.3.16";
    /// id-RSASSA-PSS-SHAKE128, RFC 8692.
    RSASSA_PSS_SHAKE128 = "1.3.6.1.5.5.7.6.30";
    /// id-RSASSA-PSS-SHAKE256, RFC 8692.
    RSASSA_PSS_SHAKE256 = "1.3.6.1.5.5.7.6.31";
    /// id-ecPublicKey, RFC 5480.
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// secp256r1, RFC 5480.
    SECP256R1 = "1.2.840.10045.3.1.7";
    /// secp384r1, RFC 5480.
    SECP384R1 = "1.3.132.0.34";
    /// secp521r1, RFC 5480.
    SECP521R1 = "1.3.132.0.35";
    /// brainpoolP256r1, RFC 5639.
    BRAINPOOL_P256R1 = "1.3.36.3.3.2.8.1.1.7";
    /// brainpoolP384r1, RFC 5639.
    BRAINPOOL_P384R1 = "1.3.36.3.3.2.8.1.1.11";
    /// brainpoolP512r1, RFC 5639.
    BRAINPOOL_P512R1 = "1.3.36.3.3.2.8.1.1.13";
    /// ecdsa-with-SHA1.
    ECDSA_WITH_SHA1 = "1.2.840.10045.4.1";
    /// ecdsa-with-SHA224, RFC 5758.
    ECDSA_WITH_SHA224 = "1.2.840.10045.4.3.1";
    /// ecdsa-with-SHA256, RFC 5758.
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
    /// ecdsa-with-SHA384, RFC 5758.
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
    /// ecdsa-with-SHA512, RFC 5758.
    ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4";
    /// id-ecdsa-with-sha3-224, RFC 9688.
    ECDSA_WITH_SHA3_224 = "2.16.840.1.101.3.4.3.9";
    /// id-ecdsa-with-sha3-256, RFC 9688.
    ECDSA_WITH_SHA3_256 = "2.16.840.1.101.3.4.3.10";
    /// id-ecdsa-with-sha3-384, RFC 9688.
    ECDSA_WITH_SHA3_384 = "2.16.840.1.101.3.4.3.11";
    /// id-ecdsa-with-sha3-512, RFC 9688.
    ECDSA_WITH_SHA3_512 = "2.16.840.1.101.3.4.3.12";
    /// id-ecdsa-with-shake128, RFC 8692.
    ECDSA_WITH_SHAKE128 = "1.3.6.1.5.5.7.6.32";
    /// id-ecdsa-with-shake256, RFC 8692.
    ECDSA_WITH_SHAKE256 = "1.3.6.1.5.5.7.6.33";
    /// id-Ed25519, RFC 8410.
    ED25519 = "1.3.101.112";
    /// id-Ed448, RFC 8410.
    ED448 = "1.3.101.113";
    /// id-pkix-ocsp-basic, RFC 6960.
    OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
    /// id-pkix-ocsp-nonce, RFC 6960 section 4.4.1.
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
    /// id-pkix-ocsp-nocheck, RFC 6960 section 4.2.2.2.1.
    OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5";
    /// id-ad-ocsp, RFC 5280 section 4.2.2.1.
    AD_OCSP = "1.3.6.1.5.5.7.48.1";
    /// id-ad-caIssuers, RFC 5280 section 4.2.2.1.
    AD_CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
    /// id-kp-timeStamping, RFC 3161 section 2.3.
    KP_TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    /// id-kp-OCSPSigning, RFC 6960 section 4.2.2.2.
    KP_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
    /// id-ri-ocsp-response, RFC 5940 section 3.
    RI_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2";
    /// subjectKeyIdentifier, RFC 5280 section 4.2.1.2.
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
    /// keyUsage, RFC 5280 section 4.2.1.3.
    KEY_USAGE = "2.5.29.15";
    /// subjectAltName, RFC 5280 section 4.2.1.6.
    SUBJECT_ALT_NAME = "2.5.29.17";
    /// issuerAltName, RFC 5280 section 4.2.1.7.
    ISSUER_ALT_NAME = "2.5.29.18";
    /// basicConstraints, RFC 5280 section 4.2.1.9.
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// cRLNumber, RFC 5280 section 5.2.3.
    CRL_NUMBER = "2.5.29.20";
    /// reasonCode, RFC 5280 section 5.3.1.
    REASON_CODE = "2.5.29.21";
    /// invalidityDate, RFC 5280 section 5.3.2.
    INVALIDITY_DATE = "2.5.29.24";
    /// deltaCRLIndicator, RFC 5280 section 5.2.4.
    DELTA_CRL_INDICATOR = "2.5.29.27";
    /// issuingDistributionPoint, RFC 5280 section 5.2.5.
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    /// certificateIssuer, RFC 5280 section 5.3.3.
    CERTIFICATE_ISSUER = "2.5.29.29";
    /// nameConstraints, RFC 5280 section 4.2.1.10.
    NAME_CONSTRAINTS = "2.5.29.30";
    /// cRLDistributionPoints, RFC 5280 section 4.2.1.13.
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    /// certificatePolicies, RFC 5280 section 4.2.1.4.
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// anyPolicy, RFC 5280 section 4.2.1.4.
    ANY_POLICY = "2.5.29.32.0";
    /// policyMappings, RFC 5280 section 4.2.1.5.
    POLICY_MAPPINGS = "2.5.29.33";
    /// policyConstraints, RFC 5280 section 4.2.1.11.
    POLICY_CONSTRAINTS = "2.5.29.36";
    /// freshestCRL, RFC 5280 sections 4.2.1.15 and 5.2.6.
    FRESHEST_CRL = "2.5.29.46";
    /// inhibitAnyPolicy, RFC 5280 section 4.2.1.14.
    INHIBIT_ANY_POLICY = "2.5.29.54";
    /// expiredCertsOnCRL, X.509 section 9.5.2.8.
    EXPIRED_CERTS_ON_CRL = "2.5.29.60";
    /// id-qt-cps, RFC 5280 section 4.2.1.4.
    QT_CPS = "1.3.6.1.5.5.7.2.1";
    /// id-qt-unotice, RFC 5280 section 4.2.1.4.
    QT_USER_NOTICE = "1.3.6.1.5.5.7.2.2";
    /// id-on-SmtpUTF8Mailbox, RFC 9598 section 3.
    ON_SMTP_UTF8_MAILBOX = "1.3.6.1.5.5.7.8.9";
    /// id-pkix-ocsp-archive-cutoff, RFC 6960 section 4.4.4.
    OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
    /// authorityKeyIdentifier, RFC 5280 section 4.2.1.1.
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
    /// extKeyUsage, RFC 5280 section 4.2.1.12.
    EXTENDED_KEY_USAGE = "2.5.29.37";
    /// authorityInfoAccess, RFC 5280 section 4.2.2.1.
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    /// commonName, RFC 4519 section 2.3.
    COMMON_NAME = "2.5.4.3";
    /// surname, RFC 4519 section 2.32.
    SURNAME = "2.5.4.4";
    /// serialNumber, RFC 4519 section 2.31.
    SERIAL_NUMBER = "2.5.4.5";
    /// countryName, RFC 4519 section 2.2.
    COUNTRY_NAME = "2.5.4.6";
    /// localityName, RFC 4519 section 2.16.
    LOCALITY_NAME = "2.5.4.7";
    /// stateOrProvinceName, RFC 4519 section 2.33.
    STATE_OR_PROVINCE_NAME = "2.5.4.8";
    /// streetAddress, RFC 4519 section 2.34.
    STREET_ADDRESS = "2.5.4.9";
    /// organizationName, RFC 4519 section 2.19.
    ORGANIZATION_NAME = "2.5.4.10";
    /// organizationalUnitName, RFC 4519 section 2.20.
    ORGANIZATIONAL_UNIT_NAME = "2.5.4.11";
    /// title, RFC 4519 section 2.38.
    TITLE = "2.5.4.12";
    /// givenName, RFC 4519 section 2.12.
    GIVEN_NAME = "2.5.4.42";
    /// organizationIdentifier, X.520 section 6.4.5.
    ORGANIZATION_IDENTIFIER = "2.5.4.97";
    /// domainComponent, RFC 4519 section 2.4.
    DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25";
    /// userid, RFC 4519 section 2.39.
    USER_ID = "0.9.2342.19200300.100.1.1";
    /// emailAddress, RFC 2985 section 5.2.1.
    EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
}
