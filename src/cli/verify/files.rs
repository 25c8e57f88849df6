//! Which files a command line means: those it names, and every file of a kind that holds signatures in the folders that it
//! names; and which of the others it leaves out.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    base::Source,
    service::beside::document_of,
    store::FileSource,
    validation::{Message, words::Language},
};

/// A file to judge, or a name that leads to none, with the reason.
pub(super) type Found = Result<Named, (PathBuf, Message)>;

/// A file to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    /// It was found in a folder: what its signatures are about is looked for beside it.
    pub(super) in_folder: bool,
    /// Files beside it that seem to be its signatures, by their names.
    pub(super) signatures: Vec<PathBuf>,
}

/// What the command line means.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// To be judged, in the order named; those of a folder in the order of their names.
    pub(super) found: Vec<Found>,
    /// Not to be judged, and why not.
    pub(super) left_out: Vec<(PathBuf, LeftOut)>,
}

/// Why a file in a folder is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// A link to a folder.
    LinkToFolder,
    /// A pipe, a device, a socket.
    NoFile,
    /// Of another format.
    OtherFormat,
    /// docx and the like.
    Office,
}

impl LeftOut {
    /// The reason, to go on after a colon.
    pub(super) fn words(self, language: Language) -> &'static str {
        let (en, vi) = match self {
            Self::LinkToFolder => {
                ("a link to a folder, which is not followed", "liên kết đến thư mục, không đi theo")
            }
            Self::NoFile => ("no regular file", "không phải tệp thường"),
            Self::OtherFormat => (
                "not of a format that holds signatures, and no signature beside it is about it",
                "không thuộc định dạng chứa chữ ký, và không có chữ ký đi kèm",
            ),
            Self::Office => (
                "an Office file, whose own signatures kyso does not judge; it is signed beside it or in a container",
                "tệp Office: kyso không kiểm tra chữ ký bên trong; tệp được ký bằng chữ ký đi kèm hoặc trong tệp ASiC",
            ),
        };
        match language {
            Language::English => en,
            Language::Vietnamese => vi,
        }
    }
}

/// The files that `named` means.
///
/// A folder is searched with all folders in it for regular files of the kinds that hold signatures, by the endings of their
/// names. Links to files are followed; links to folders only where the command line names them, so that no loop is walked.
/// A folder that cannot be read or holds nothing to judge is told as such: silence about it would sound like "all is well".
pub(super) fn find(named: &[PathBuf]) -> Files {
    let mut files = Files::default();
    for path in named {
        if !path.is_dir() {
            let named = Named { path: path.clone(), in_folder: false, signatures: Vec::new() };
            files.found.push(Ok(named));
            continue;
        }
        let before = files.found.len();
        search(path, &mut files);
        if files.found.len() == before {
            let message = "There is no file in this folder that may hold signatures.";
            files.found.push(Err((path.clone(), told(message.to_owned()))));
        }
    }
    files
}

/// The file of this name beside `signature`, opened: what an XML signature names may lie in a folder below, never above.
pub(super) fn beside(signature: &Path, name: &str) -> Option<(PathBuf, Arc<dyn Source>)> {
    let inside = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    if name.is_empty() || !Path::new(name).components().all(inside) {
        return None;
    }
    let path = signature.parent()?.join(name);
    // Pipes and devices would hold us up.
    fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
    let source = FileSource::open(&path).ok()?;
    Some((path, Arc::new(source)))
}

/// What lies in a folder.
enum Inside {
    File { signatures: Vec<PathBuf> },
    Folder,
    LeftOut(LeftOut),
}

/// Every folder once, by a list of our own: as deep as the disk goes, the stack does not grow.
fn search(folder: &Path, files: &mut Files) {
    // What is still to be visited, the next one last.
    let mut ahead = vec![(folder.to_owned(), Inside::Folder)];
    while let Some((path, inside)) = ahead.pop() {
        match inside {
            Inside::File { signatures } => {
                files.found.push(Ok(Named { path, in_folder: true, signatures }));
            }
            Inside::LeftOut(why) => files.left_out.push((path, why)),
            Inside::Folder => match entries(&path) {
                Ok(inside) => ahead.extend(inside.into_iter().rev()),
                Err(error) => {
                    let message = told(format!("The folder could not be read: {error}."));
                    files.found.push(Err((path, message)));
                }
            },
        }
    }
}

/// What lies in a folder, by name.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, Inside)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        all.push((entry.path(), entry.file_type()?));
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut signed: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for (path, _) in &all {
        if let Some(document) = name(path).as_deref().and_then(document_of) {
            signed.entry(document.to_owned()).or_default().push(path.clone());
        }
    }
    let inside = all.into_iter().map(|(path, kind)| {
        let link = || fs::metadata(&path).ok();
        let inside = if kind.is_dir() {
            Inside::Folder
        } else if kind.is_symlink() && link().is_some_and(|behind| behind.is_dir()) {
            Inside::LeftOut(LeftOut::LinkToFolder)
        } else if !kind.is_file() && !(kind.is_symlink() && link().is_none_or(|behind| behind.is_file())) {
            Inside::LeftOut(LeftOut::NoFile)
        } else if may_be_signed(&path) {
            let signatures = name(&path).and_then(|name| signed.get(&name).cloned());
            Inside::File { signatures: signatures.unwrap_or_default() }
        } else if has_ending(&path, &OFFICE) {
            Inside::LeftOut(LeftOut::Office)
        } else {
            Inside::LeftOut(LeftOut::OtherFormat)
        };
        (path, inside)
    });
    Ok(inside.collect())
}

/// Whether files of such a name hold signatures, or are some.
fn may_be_signed(path: &Path) -> bool {
    has_ending(path, &SIGNED)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let own = path.extension();
    own.is_some_and(|own| endings.iter().any(|ending| own.eq_ignore_ascii_case(ending)))
}

fn told(message: String) -> Message {
    Message { key: "file.io".to_owned(), message }
}

/// The endings of what kyso judges.
const SIGNED: [&str; 12] =
    ["asice", "asics", "bdoc", "edoc", "edxml", "p7m", "p7s", "pdf", "sce", "scs", "sig", "xml"];

/// The endings of Office files.
const OFFICE: [&str; 10] = ["doc", "docm", "docx", "odp", "ods", "odt", "ppt", "pptx", "xls", "xlsx"];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(found: &[Found], base: &Path) -> Vec<String> {
        let shown = |path: &Path| path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
        found
            .iter()
            .map(|one| match one {
                Ok(named) if !named.signatures.is_empty() => {
                    format!("{} (signed beside)", shown(&named.path))
                }
                Ok(named) => shown(&named.path),
                Err((path, message)) => format!("{}: {}", shown(path), message.message),
            })
            .collect()
    }

    #[test]
    fn folders_are_searched_in_order_and_loops_are_not_walked() {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        for folder in ["in", "in/b", "in/b/c", "empty"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for file in [
            "in/z.pdf",
            "in/a.PDF",
            "in/a.PDF.p7s",
            "in/b/1.pdf",
            "in/b/c/2.Pdf",
            "in/b/ho-so.ASiCe",
            "in/b/thu.xml",
            "in/notes.txt",
            "in/so.xlsx",
            "in/pdf",
            "one.bin",
        ] {
            fs::write(at(file), b"").unwrap();
        }
        symlink(at("in"), at("in/b/loop")).unwrap();
        symlink(at("in"), at("in/loop.pdf")).unwrap();
        symlink(at("one.bin"), at("in/linked.pdf")).unwrap();
        symlink(at("gone"), at("in/gone.pdf")).unwrap();
        let files = find(&[at("one.bin"), at("in"), at("empty"), at("absent")]);
        assert_eq!(
            names(&files.found, base.path()),
            [
                "one.bin",
                "in/a.PDF (signed beside)",
                "in/a.PDF.p7s",
                "in/b/1.pdf",
                "in/b/c/2.Pdf",
                "in/b/ho-so.ASiCe",
                "in/b/thu.xml",
                "in/gone.pdf",
                "in/linked.pdf",
                "in/z.pdf",
                "empty: There is no file in this folder that may hold signatures.",
                "absent",
            ]
        );
        let left: Vec<_> = files
            .left_out
            .iter()
            .map(|(path, why)| (path.strip_prefix(base.path()).unwrap().to_str().unwrap(), *why))
            .collect();
        assert_eq!(
            left,
            [
                ("in/b/loop", LeftOut::LinkToFolder),
                ("in/loop.pdf", LeftOut::LinkToFolder),
                ("in/notes.txt", LeftOut::OtherFormat),
                ("in/pdf", LeftOut::OtherFormat),
                ("in/so.xlsx", LeftOut::Office),
            ]
        );
        let through_a_link = find(&[at("in/b/loop")]);
        assert_eq!(through_a_link.found.len(), 9, "a folder that the command line names may be a link");
    }

    #[test]
    fn nothing_is_looked_for_above_the_folder() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("in/annex")).unwrap();
        for file in ["out.txt", "in/a.txt", "in/annex/1.txt"] {
            fs::write(base.path().join(file), b"x").unwrap();
        }
        let signature = base.path().join("in/a.txt.p7s");
        let absolute = base.path().join("out.txt").display().to_string();
        for (name, there) in [
            ("a.txt", true),
            ("annex/1.txt", true),
            ("../out.txt", false),
            ("annex/../../out.txt", false),
            (absolute.as_str(), false),
            ("annex", false),
            ("gone.txt", false),
            ("", false),
        ] {
            assert_eq!(beside(&signature, name).is_some(), there, "{name}");
        }
    }
}
