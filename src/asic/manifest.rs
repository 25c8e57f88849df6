//! `ASiCManifest` and `ASiCArchiveManifest` (ETSI EN 319 162-1 annex A.4, schema of namespace 02918 v1.2.1).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{AsicError, ContainerLimits};
use crate::{
    base::{Digest, DigestAlgorithm},
    xml::{Document, Element, XmlLimits},
};

/// The namespace of ASiC manifests and of `XAdESSignatures`.
pub const MANIFEST_NAMESPACE: &str = "http://uri.etsi.org/02918/v1.2.1#";

/// Which files a signature or time-stamp covers, and with which digests.
///
/// ```xml
/// <ASiCManifest>
///   <SigReference URI="META-INF/signature001.p7s" MimeType="application/pkcs7-signature"/>
///   <DataObjectReference URI="quyet-dinh.pdf" MimeType="application/pdf" Rootfile="true">
///     <ds:DigestMethod Algorithm="…"/> <ds:DigestValue>…</ds:DigestValue>
///   </DataObjectReference> …
/// </ASiCManifest>
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The file that holds the signature or the time-stamp token, as a name in the container.
    pub signature: String,
    /// What that is, such as `application/pkcs7-signature`.
    pub signature_type: Option<String>,
    /// The files covered, in the order of the manifest. At least one, none twice.
    pub objects: Vec<DataObject>,
}

/// A file that a manifest covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataObject {
    /// Its name in the container.
    pub name: String,
    /// Its media type.
    pub media_type: Option<String>,
    /// Whether it is where reading begins; in archive manifests, the manifest that this one continues.
    pub rootfile: bool,
    /// The digest of its bytes.
    pub digest: Digest,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`AsicError::Malformed`] when it is no such document, covers nothing or something twice, names what is no name
    /// of a file, or holds an extension that must not be passed over.
    pub fn parse(bytes: &[u8], limits: &ContainerLimits) -> Result<Self, AsicError> {
        let document =
            Document::parse(bytes, &XmlLimits { bytes: limits.part_bytes, ..XmlLimits::default() }).map_err(
                |error| AsicError::malformed(format!("the manifest is no XML that can be read: {error}")),
            )?;
        let root = document.root();
        if !root.is(MANIFEST_NAMESPACE, "ASiCManifest") {
            return Err(AsicError::malformed("the manifest is no ASiCManifest"));
        }
        let mut parts = elements(root)?;
        let reference = parts
            .next_if(|element| element.is(MANIFEST_NAMESPACE, "SigReference"))
            .ok_or_else(|| AsicError::malformed("the manifest does not begin with a SigReference"))?;
        let signature = target(reference)?;
        let signature_type = reference.attribute("MimeType").map(str::to_owned);
        let mut objects: Vec<DataObject> = Vec::new();
        while let Some(object) =
            parts.next_if(|element| element.is(MANIFEST_NAMESPACE, "DataObjectReference"))
        {
            if objects.len() >= limits.objects {
                return Err(AsicError::Limit { what: "files in a manifest", limit: limits.objects as u64 });
            }
            objects.push(DataObject::read(object)?);
        }
        if let Some(extensions) =
            parts.next_if(|element| element.is(MANIFEST_NAMESPACE, "ASiCManifestExtensions"))
        {
            pass_over(extensions)?;
        }
        if let Some(stranger) = parts.next() {
            let what = stranger.local_name();
            return Err(AsicError::malformed(format!("{what} does not belong into the manifest there")));
        }
        let mut names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
        names.sort_unstable();
        if names.is_empty() || names.windows(2).any(|two| two[0] == two[1]) {
            return Err(AsicError::malformed("the manifest covers nothing, or something twice"));
        }
        Ok(Self { signature, signature_type, objects })
    }

    /// The document, the same bytes each time.
    pub fn to_xml(&self) -> Vec<u8> {
        let typed = |media_type: &Option<String>| {
            let escaped = media_type.as_deref().map(escape);
            escaped.map(|media_type| format!(" MimeType=\"{media_type}\"")).unwrap_or_default()
        };
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <asic:ASiCManifest xmlns:asic=\"{MANIFEST_NAMESPACE}\" \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\
             <asic:SigReference URI=\"{}\"{}/>",
            escape(&uri_of(&self.signature)),
            typed(&self.signature_type),
        );
        for object in &self.objects {
            let rootfile = if object.rootfile { " Rootfile=\"true\"" } else { "" };
            xml += &format!(
                "<asic:DataObjectReference URI=\"{}\"{}{rootfile}>\
                 <ds:DigestMethod Algorithm=\"{}\"/><ds:DigestValue>{}</ds:DigestValue>\
                 </asic:DataObjectReference>",
                escape(&uri_of(&object.name)),
                typed(&object.media_type),
                digest_uri(object.digest.algorithm).unwrap_or_default(),
                STANDARD.encode(&object.digest.bytes),
            );
        }
        xml += "</asic:ASiCManifest>";
        xml.into_bytes()
    }
}

impl DataObject {
    fn read(element: Element<'_>) -> Result<Self, AsicError> {
        let mut parts = elements(element)?;
        let mut take = |local: &str| {
            parts.next_if(|part| part.is(DS, local)).ok_or_else(|| {
                AsicError::malformed(format!("a DataObjectReference has no {local} where one belongs"))
            })
        };
        let (method, value) = (take("DigestMethod")?, take("DigestValue")?);
        if let Some(extensions) =
            parts.next_if(|part| part.is(MANIFEST_NAMESPACE, "DataObjectReferenceExtensions"))
        {
            pass_over(extensions)?;
        }
        if let Some(stranger) = parts.next() {
            let what = stranger.local_name();
            return Err(AsicError::malformed(format!("{what} does not belong into a DataObjectReference")));
        }
        let uri = method.attribute("Algorithm").unwrap_or_default();
        let algorithm = DIGESTS.iter().find(|(_, known)| *known == uri).map(|(algorithm, _)| *algorithm);
        let algorithm = algorithm.ok_or_else(|| {
            AsicError::not_supported(format!("the digest algorithm {uri:?} of the manifest is not supported"))
        })?;
        let text: String = value.text().unwrap_or_default().split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(text).ok().filter(|bytes| bytes.len() == algorithm.len());
        let bytes = bytes.ok_or_else(|| AsicError::malformed("a DigestValue of the manifest is none"))?;
        Ok(Self {
            name: target(element)?,
            media_type: element.attribute("MimeType").map(str::to_owned),
            rootfile: matches!(element.attribute("Rootfile"), Some("true" | "1")),
            digest: Digest { algorithm, bytes },
        })
    }
}

/// The name in the container that a relative reference stands for (RFC 3986 sections 2.1 and 4.2); `None` for whatever
/// leads elsewhere.
pub fn name_of(uri: &str) -> Option<String> {
    if uri.contains(['#', '?', '\\']) || uri.starts_with('/') {
        return None;
    }
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (pair, after) = after.split_at_checked(2)?;
        let mut octet = [0];
        hex::decode_to_slice(pair, &mut octet).ok()?;
        bytes.extend(octet);
        rest = after;
    }
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty())
}

/// The relative reference to a file of the container: what is not unreserved in RFC 3986 is percent-encoded.
pub fn uri_of(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => uri += &format!("%{other:02X}"),
        }
    }
    uri
}

/// The media type that a name suggests; `application/octet-stream` where it suggests none.
pub fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_lowercase();
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == extension);
    known.map_or("application/octet-stream", |(_, media_type)| media_type)
}

/// The identifier of a digest algorithm (xmldsig-core1 section 6.2, RFC 6931 section 2.1).
pub(super) fn digest_uri(algorithm: DigestAlgorithm) -> Option<&'static str> {
    DIGESTS.iter().find(|(known, _)| *known == algorithm).map(|(_, uri)| *uri)
}

/// The value of an attribute, so that XML gives it back (XML 1.0 section 3.3.3).
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped += &format!("&#{};", u32::from(c)),
            other => escaped.push(other),
        }
    }
    escaped
}

fn target(element: Element<'_>) -> Result<String, AsicError> {
    let uri = element.attribute("URI").unwrap_or_default();
    name_of(uri)
        .ok_or_else(|| AsicError::malformed(format!("the reference {uri:?} leads out of the container")))
}

type Elements<'d> = std::iter::Peekable<std::vec::IntoIter<Element<'d>>>;

fn elements(of: Element<'_>) -> Result<Elements<'_>, AsicError> {
    if !of.has_only_elements() {
        let what = of.local_name();
        return Err(AsicError::malformed(format!("{what} holds something between its elements")));
    }
    Ok(of.elements().collect::<Vec<_>>().into_iter().peekable())
}

/// Extensions that are not critical are none of our business (annex A.4).
fn pass_over(extensions: Element<'_>) -> Result<(), AsicError> {
    let critical = |one: &Element<'_>| !matches!(one.attribute("Critical"), Some("false" | "0"));
    if extensions.elements().any(|one| critical(&one)) {
        return Err(AsicError::not_supported("the manifest holds an extension that is not supported"));
    }
    Ok(())
}

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

const DIGESTS: [(DigestAlgorithm, &str); 10] = [
    (DigestAlgorithm::Md5, "http://www.w3.org/2001/04/xmldsig-more#md5"),
    (DigestAlgorithm::Sha1, "http://www.w3.org/2000/09/xmldsig#sha1"),
    (DigestAlgorithm::Sha224, "http://www.w3.org/2001/04/xmldsig-more#sha224"),
    (DigestAlgorithm::Sha256, "http://www.w3.org/2001/04/xmlenc#sha256"),
    (DigestAlgorithm::Sha384, "http://www.w3.org/2001/04/xmldsig-more#sha384"),
    (DigestAlgorithm::Sha512, "http://www.w3.org/2001/04/xmlenc#sha512"),
    (DigestAlgorithm::Sha3_224, "http://www.w3.org/2007/05/xmldsig-more#sha3-224"),
    (DigestAlgorithm::Sha3_256, "http://www.w3.org/2007/05/xmldsig-more#sha3-256"),
    (DigestAlgorithm::Sha3_384, "http://www.w3.org/2007/05/xmldsig-more#sha3-384"),
    (DigestAlgorithm::Sha3_512, "http://www.w3.org/2007/05/xmldsig-more#sha3-512"),
];

/// What offices send to each other.
const MEDIA_TYPES: [(&str, &str); 18] = [
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let object = |name: &str, rootfile| DataObject {
            name: name.to_owned(),
            media_type: Some(media_type(name).to_owned()),
            rootfile,
            digest: DigestAlgorithm::Sha384.digest(name.as_bytes()),
        };
        Manifest {
            signature: "META-INF/signature001.p7s".to_owned(),
            signature_type: Some("application/pkcs7-signature;\ta=\"\r\n\"".to_owned()),
            objects: vec![
                object("Quyết định số 15 <mật> & \"phụ lục\".pdf", true),
                object("thư mục/ảnh+100%.png", false),
            ],
        }
    }

    fn parse(xml: &str) -> Result<Manifest, AsicError> {
        Manifest::parse(xml.as_bytes(), &ContainerLimits::default())
    }

    #[test]
    fn what_is_written_is_read() {
        let written = manifest().to_xml();
        assert_eq!(Manifest::parse(&written, &ContainerLimits::default()).unwrap(), manifest());
        assert_eq!(manifest().to_xml(), written);
    }

    #[test]
    fn names_and_references_are_each_others_inverse() {
        for name in ["a", "Quyết định.pdf", "100%.txt", "a+b c.txt", "x/y/z", "#?&", "%41"] {
            assert_eq!(name_of(&uri_of(name)).as_deref(), Some(name));
        }
        assert_eq!(name_of("a+b%20c.txt").as_deref(), Some("a+b c.txt"));
        for elsewhere in ["", "/a", "a#b", "a?b", "%", "%4", "%zz", "%ff", "a\\b"] {
            assert_eq!(name_of(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let good = String::from_utf8(manifest().to_xml()).unwrap();
        assert!(parse(&good).is_ok());
        let object =
            good.find("<asic:DataObjectReference").unwrap()..good.find("</asic:ASiCManifest>").unwrap();
        let objects = &good[object];
        for (what, broken) in [
            ("cut short", good[..good.len() - 3].to_owned()),
            ("another root", good.replace("ASiCManifest", "ASiCManifesto")),
            ("another namespace", good.replace("02918", "02919")),
            ("no objects", good.replace(objects, "")),
            ("an object twice", good.replace(objects, &format!("{objects}{objects}"))),
            ("no signature", good.replace("SigReference", "Reference")),
            ("text between", good.replace("<ds:DigestMethod", "x<ds:DigestMethod")),
            ("a short digest", good.replace("</ds:DigestValue>", "A</ds:DigestValue>")),
            ("another algorithm", good.replace("xmldsig-more#sha384", "xmldsig-more#sha3840")),
            ("an absolute reference", good.replace("URI=\"Quy", "URI=\"/Quy")),
            (
                "a critical extension",
                good.replace(
                    "</asic:ASiCManifest>",
                    "<asic:ASiCManifestExtensions><asic:Extension Critical=\"true\"/>\
                     </asic:ASiCManifestExtensions></asic:ASiCManifest>",
                ),
            ),
            ("a DTD", good.replace("<asic:ASiCManifest ", "<!DOCTYPE x><asic:ASiCManifest ")),
        ] {
            assert!(parse(&broken).is_err(), "{what}");
        }
        let open = good.replace(
            "</asic:ASiCManifest>",
            "<asic:ASiCManifestExtensions><asic:Extension Critical=\"false\"/>\
             </asic:ASiCManifestExtensions></asic:ASiCManifest>",
        );
        assert_eq!(parse(&open).unwrap(), manifest());
    }
}
