//! Loading trust: opens the files that say who is trusted (`docs/trust.md`) and makes [`Anchors`] of them.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    base::UtcTime,
    trust::{
        AnchorSet, Anchors, OutdatedWord, ProfileError, SetFiles, TrustFile, TrustProfiles, TrustWarning,
        TrustWarningKind, TrustedListError, Use,
    },
    validation::words::Language,
    xml::{SignatureError, XmlLimits},
};

/// Whom somebody wants to be trusted, as they said it.
#[derive(Clone, Debug, Default)]
pub struct TrustWish {
    /// PEM and DER files, folders of them, trusted lists.
    pub sources: Vec<PathBuf>,
    /// Files with the certificates of the scheme operators of the trusted lists among `sources`.
    pub operators: Vec<PathBuf>,
    /// `FILE` or `FILE:NAME` of a trust profile.
    pub profile: Option<String>,
}

/// The anchors, and what people should know about them.
#[derive(Clone, Debug, Default)]
pub struct LoadedTrust {
    /// Of all sources together, each under the name of its set.
    pub anchors: Anchors,
    /// In the order of the sources.
    pub warnings: Vec<TrustWarning>,
}

impl TrustWish {
    /// Reads all of it; `moment` is the moment of judging, by which trusted lists are in force or outdated.
    ///
    /// # Errors
    ///
    /// When any part cannot be used: nothing is judged with half of the trust that somebody meant.
    pub fn load(&self, moment: UtcTime) -> Result<LoadedTrust, TrustError> {
        let mut loaded = LoadedTrust::default();
        let mut lists = 0;
        for source in &self.sources {
            let (set, files) = self.set_of(source)?;
            lists += usize::from(files.list.is_some());
            loaded.take(&set, &files, moment).map_err(|error| TrustError::about(source, error))?;
        }
        if lists == 0 && !self.operators.is_empty() {
            return Err(TrustError::NoList);
        }
        if let Some(profile) = &self.profile {
            loaded.take_profile(profile, moment)?;
        }
        Ok(loaded)
    }

    /// A source given by itself is a set of its own, under its name.
    fn set_of(&self, source: &Path) -> Result<(AnchorSet, SetFiles), TrustError> {
        let mut set = AnchorSet {
            name: source.file_stem().unwrap_or(source.as_os_str()).to_string_lossy().into_owned(),
            purposes: vec![Use::Signing, Use::TimeStamping],
            files: Vec::new(),
            folder: None,
            trusted_list: None,
            operators: Vec::new(),
            outdated_list: OutdatedWord::Refuse,
            sha256: Vec::new(),
        };
        let shown = source.display().to_string();
        let mut files = SetFiles::default();
        if source.is_dir() {
            files.certificates = folder(source)?;
            set.folder = Some(shown);
            return Ok((set, files));
        }
        let file = read(source, XmlLimits::default().bytes)?;
        if is_xml(&file.bytes) {
            files.operators =
                self.operators.iter().map(|path| read(path, MAX_BYTES)).collect::<Result<_, _>>()?;
            files.list = Some(file);
            set.trusted_list = Some(shown);
        } else {
            files.certificates.push(file);
            set.files.push(shown);
        }
        Ok((set, files))
    }
}

impl LoadedTrust {
    fn take_profile(&mut self, profile: &str, moment: UtcTime) -> Result<(), TrustError> {
        let (path, name) = split_profile(profile);
        let about = |error| TrustError::about(&path, error);
        let text = read(&path, MAX_BYTES)?.bytes;
        let text = String::from_utf8(text).map_err(|_| TrustError::NotText { file: path.clone() })?;
        let profiles = TrustProfiles::parse(&text).map_err(about)?;
        let within = path.parent().unwrap_or(Path::new(""));
        for set in &profiles.profile(name).map_err(about)?.sets {
            let mut files = SetFiles::default();
            for file in &set.files {
                files.certificates.push(read(&within.join(file), MAX_BYTES)?);
            }
            if let Some(path) = &set.folder {
                files.certificates.extend(folder(&within.join(path))?);
            }
            if let Some(list) = &set.trusted_list {
                files.list = Some(read(&within.join(list), XmlLimits::default().bytes)?);
            }
            for file in &set.operators {
                files.operators.push(read(&within.join(file), MAX_BYTES)?);
            }
            self.take(set, &files, moment).map_err(about)?;
        }
        Ok(())
    }

    fn take(&mut self, set: &AnchorSet, files: &SetFiles, moment: UtcTime) -> Result<(), ProfileError> {
        let (anchors, warnings) = set.anchors(files, moment, &XmlLimits::default())?;
        self.anchors.join(anchors);
        self.warnings.extend(warnings);
        Ok(())
    }
}

/// `FILE:NAME`, or `FILE` when there is such a file.
fn split_profile(profile: &str) -> (PathBuf, Option<&str>) {
    if Path::new(profile).exists() {
        return (PathBuf::from(profile), None);
    }
    match profile.rsplit_once(':') {
        Some((file, name)) if !file.is_empty() && !name.is_empty() && !name.contains('/') => {
            (PathBuf::from(file), Some(name))
        }
        _ => (PathBuf::from(profile), None),
    }
}

/// The certificate files of a folder, in the order of their names.
fn folder(path: &Path) -> Result<Vec<TrustFile>, TrustError> {
    let unreadable = |source| TrustError::Read { file: path.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        if ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) && file.is_file() {
            paths.push(file);
        }
        if paths.len() > MAX_FILES {
            return Err(TrustError::TooManyFiles { folder: path.to_owned() });
        }
    }
    if paths.is_empty() {
        return Err(TrustError::EmptyFolder { folder: path.to_owned() });
    }
    paths.sort();
    paths.iter().map(|file| read(file, MAX_BYTES)).collect()
}

fn read(path: &Path, limit: usize) -> Result<TrustFile, TrustError> {
    let unreadable = |source| TrustError::Read { file: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > limit {
        return Err(TrustError::TooLarge { file: path.to_owned(), limit });
    }
    Ok(TrustFile { name: path.display().to_string(), bytes })
}

/// PEM begins with letters or dashes, DER with 0x30.
fn is_xml(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// What counts as a certificate file in a folder.
const ENDINGS: [&str; 4] = ["pem", "crt", "cer", "der"];

/// Files taken from one folder; the trust stores of operating systems have some 150.
const MAX_FILES: usize = 1_000;

/// Bytes of one file of certificates, or of a profile.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Why there are no anchors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A folder without certificate files.
    #[error("there is no .pem, .crt, .cer or .der file in {}", folder.display())]
    EmptyFolder {
        /// Which one.
        folder: PathBuf,
    },
    /// An operator's certificate was given, but no trusted list that it could be for.
    #[error("a certificate of a scheme operator was given, but no trusted list to check with it")]
    NoList,
    /// A profile that is not UTF-8.
    #[error("{} is no text in UTF-8", file.display())]
    NotText {
        /// Which one.
        file: PathBuf,
    },
    /// A file or folder that cannot be read.
    #[error("{} cannot be read", file.display())]
    Read {
        /// Which one.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a file says cannot be used.
    #[error("{} cannot be used", file.display())]
    Unusable {
        /// The source or the profile.
        file: PathBuf,
        /// Why.
        source: Box<ProfileError>,
    },
    /// A file larger than any honest one.
    #[error("{} has more than {limit} bytes", file.display())]
    TooLarge {
        /// Which one.
        file: PathBuf,
        /// In bytes.
        limit: usize,
    },
    /// A folder with more files than any honest one.
    #[error("there are more than {MAX_FILES} certificate files in {}", folder.display())]
    TooManyFiles {
        /// Which one.
        folder: PathBuf,
    },
}

impl TrustError {
    fn about(file: &Path, source: ProfileError) -> Self {
        Self::Unusable { file: file.to_owned(), source: Box::new(source) }
    }

    /// For people: what happened, where, and what to do.
    pub fn tell(&self, language: Language) -> String {
        let told = |english: String, vietnamese: String| match language {
            Language::English => english,
            Language::Vietnamese => vietnamese,
        };
        match self {
            Self::EmptyFolder { folder } => told(
                format!("{self}. Put the certificates there, or name the file itself."),
                format!(
                    "Thư mục {} không có tệp .pem, .crt, .cer hoặc .der nào. Hãy chép chứng thư vào đó hoặc chỉ thẳng tệp.",
                    folder.display()
                ),
            ),
            Self::NoList => told(
                format!("{self}. Give the list with --trust LIST.xml, or leave the operator's certificate out."),
                "Đã khai báo chứng thư của đơn vị vận hành danh sách tin cậy nhưng không có danh sách nào. Hãy thêm --trust DANH_SÁCH.xml hoặc bỏ chứng thư đó."
                    .to_owned(),
            ),
            Self::NotText { file } => told(
                format!("{self}. Save it as UTF-8."),
                format!("Tệp {} không phải văn bản UTF-8. Hãy lưu lại bằng UTF-8.", file.display()),
            ),
            Self::Read { file, source } => told(
                format!("{self}: {source}. Check the path and the permissions."),
                format!(
                    "Không đọc được {}: {source}. Hãy kiểm tra đường dẫn và quyền truy cập.",
                    file.display()
                ),
            ),
            Self::TooLarge { file, limit } => told(
                format!("{self}. Is it the right file?"),
                format!("Tệp {} lớn hơn {limit} byte. Có đúng tệp cần dùng không?", file.display()),
            ),
            Self::TooManyFiles { folder } => told(
                format!("{self}. Is it the right folder?"),
                format!(
                    "Thư mục {} có hơn {MAX_FILES} tệp chứng thư. Có đúng thư mục cần dùng không?",
                    folder.display()
                ),
            ),
            Self::Unusable { file, source } => {
                let (file, told) = (file.display().to_string(), tell_profile(source, language));
                if told.contains(&file) { told } else { format!("{file}: {told}") }
            }
        }
    }
}

impl LoadedTrust {
    /// The warnings, for people.
    pub fn tell_warnings(&self, language: Language) -> Vec<String> {
        self.warnings
            .iter()
            .map(|warning| {
                let (set, file) = (&warning.set, &warning.file);
                match (&warning.kind, language) {
                    (TrustWarningKind::Outdated(why), Language::English) => {
                        format!("the trusted list {file} ({set}) is used although it is outdated: {why}")
                    }
                    (TrustWarningKind::Outdated(why), Language::Vietnamese) => {
                        format!("danh sách tin cậy {file} ({set}) vẫn được dùng dù đã quá hạn: {why}")
                    }
                    (TrustWarningKind::Skipped(what), Language::English) => {
                        format!("a service of the trusted list {file} ({set}) is left out: {what}")
                    }
                    (TrustWarningKind::Skipped(what), Language::Vietnamese) => {
                        format!("bỏ qua một dịch vụ trong danh sách tin cậy {file} ({set}): {what}")
                    }
                }
            })
            .collect()
    }
}

/// One sentence on what is wrong, one on what to do.
fn tell_profile(error: &ProfileError, language: Language) -> String {
    use ProfileError as E;
    if language == Language::English {
        let advice = match error {
            E::Certificates { .. } => "Give a PEM file, or a DER file with one certificate.",
            E::EmptySet { .. }
            | E::Name { .. }
            | E::NoPurpose { .. }
            | E::Toml(_)
            | E::Fingerprint { .. } => "docs/trust.md shows how it is written.",
            E::List { source, .. } => list_advice(source, language),
            E::ListWithoutOperators { .. } => "Get the operator's certificate from the operator itself.",
            E::NoDefault { .. } | E::Unknown { .. } => "Name one of them, as FILE:NAME.",
            E::Pin { .. } => {
                "Ask the owner for the right fingerprint; if this one is right, add it to sha256."
            }
        };
        return format!("{}. {advice}", with_causes(error));
    }
    match error {
        E::Certificates { set, file, source } => format!(
            "Tệp {file} của nhóm {set} không có chứng thư dùng được: {source}. Hãy dùng tệp PEM, hoặc tệp DER chứa một chứng thư."
        ),
        E::EmptySet { set } => {
            format!("Nhóm {set} không khai báo files, folder hay trusted-list. Xem docs/trust.md.")
        }
        E::Fingerprint { set, value } => {
            format!("Trong nhóm {set}, {value:?} không phải dấu vân tay SHA-256 (64 chữ số thập lục phân).")
        }
        E::List { set, file, source } => {
            let advice = list_advice(source, language);
            let reason = list_reason(source);
            format!("Danh sách tin cậy {file} của nhóm {set} không được chấp nhận ({reason}). {advice}")
        }
        E::ListWithoutOperators { set } => format!(
            "Trong nhóm {set}, trusted-list và operators phải đi cùng nhau. Hãy lấy chứng thư của đơn vị vận hành từ chính đơn vị đó."
        ),
        E::Name { profile, number } => {
            format!("Nhóm thứ {number} của hồ sơ {profile} cần một tên riêng (name), không trùng.")
        }
        E::NoDefault { known } => {
            format!("Chưa chọn hồ sơ và tệp không có hồ sơ mặc định. Hãy ghi TỆP:TÊN; tệp có: {known}.")
        }
        E::NoPurpose { set } => format!("Nhóm {set} không được tin cậy cho việc gì: purposes đang rỗng."),
        E::Pin { set, file, subject, fingerprint } => format!(
            "Chứng thư {subject} trong {file} có dấu vân tay SHA-256 {fingerprint}, không nằm trong nhóm {set}. Hãy hỏi lại chủ sở hữu; nếu đúng thì thêm vào sha256."
        ),
        E::Toml(source) => format!("Không hiểu được hồ sơ: {source} Xem docs/trust.md."),
        E::Unknown { name, known } => format!("Tệp không có hồ sơ {name}. Hãy chọn một trong: {known}."),
    }
}

/// Why a list is not believed, in Vietnamese.
fn list_reason(error: &TrustedListError) -> String {
    use TrustedListError as E;
    match error {
        E::ListOfLists => "đây là danh sách của các danh sách".to_owned(),
        E::NoOperator => "chưa có chứng thư của đơn vị vận hành danh sách".to_owned(),
        E::OperatorPeriod { subject, not_before, not_after } => {
            format!("chứng thư {subject} của đơn vị vận hành chỉ có hiệu lực từ {not_before} đến {not_after}")
        }
        E::Outdated { next_update } => format!("lẽ ra phải có danh sách mới từ {next_update}"),
        E::Signature(SignatureError::Digest { .. } | SignatureError::Value { .. }) => {
            "nội dung danh sách đã bị thay đổi sau khi ký".to_owned()
        }
        E::SignatureScope => "chữ ký không bao gồm toàn bộ danh sách".to_owned(),
        E::SignatureCount { count } => format!("phải có đúng một chữ ký, tệp có {count}"),
        E::Stranger => "danh sách không được ký bằng chứng thư đã khai báo".to_owned(),
        E::WeakKey { subject } => format!("khóa của chứng thư {subject} quá yếu"),
        other => with_causes(other),
    }
}

fn list_advice(error: &TrustedListError, language: Language) -> &'static str {
    use TrustedListError as E;
    let (english, vietnamese) = match error {
        E::NoOperator => (
            "Get the operator's certificate from the operator itself and give it with --trust-operator (in a file: operators).",
            "Hãy lấy chứng thư của đơn vị vận hành từ chính đơn vị đó và khai báo bằng --trust-operator (trong tệp: operators).",
        ),
        E::ListOfLists => {
            ("Give the national lists themselves.", "Hãy khai báo trực tiếp danh sách của từng quốc gia.")
        }
        E::Outdated { .. } => (
            "Fetch the present list, or set outdated-list = \"warn\" in a profile.",
            "Hãy tải danh sách mới, hoặc đặt outdated-list = \"warn\" trong hồ sơ.",
        ),
        E::OperatorPeriod { .. } | E::WeakKey { .. } => (
            "Ask the operator for its present list and certificate.",
            "Hãy hỏi đơn vị vận hành danh sách và chứng thư hiện hành.",
        ),
        E::Signature(SignatureError::Digest { .. } | SignatureError::Value { .. })
        | E::SignatureScope
        | E::SignatureCount { .. } => (
            "Do not use this file; fetch it again from the operator.",
            "Không dùng tệp này; hãy tải lại từ đơn vị vận hành.",
        ),
        E::Stranger => (
            "Check that list and certificate belong together; do not use the list otherwise.",
            "Hãy kiểm tra danh sách và chứng thư có thuộc cùng đơn vị không; nếu không thì không dùng danh sách.",
        ),
        _ => ("Fetch the list again from the operator.", "Hãy tải lại danh sách từ đơn vị vận hành."),
    };
    match language {
        Language::English => english,
        Language::Vietnamese => vietnamese,
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(next.to_string().trim_end());
        cause = next.source();
    }
    text
}
