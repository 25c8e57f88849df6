//! Which files a command line means: those it names, and every PDF in the folders that it names.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::validation::Message;

/// A file to judge, or a name that leads to none, with the reason.
pub(super) type Found = Result<PathBuf, (PathBuf, Message)>;

/// The files that `named` means, in the order named; those of a folder in the order of their names.
///
/// A folder is searched with all folders in it for regular files whose name ends in `.pdf`, in capitals or not.
/// Links to files are followed; links to folders only where the command line names them, so that no loop is walked.
/// A folder that cannot be read or holds no PDF is told as such: silence about it would sound like "all is well".
pub(super) fn find(named: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::new();
    for path in named {
        if !path.is_dir() {
            found.push(Ok(path.clone()));
            continue;
        }
        let before = found.len();
        search(path, &mut found);
        if found.len() == before {
            found.push(Err((path.clone(), told("There is no PDF in this folder.".to_owned()))));
        }
    }
    found
}

/// Every folder once, by a list of our own: as deep as the disk goes, the stack does not grow.
fn search(folder: &Path, found: &mut Vec<Found>) {
    // What is still to be visited, the next one last.
    let mut ahead = vec![(folder.to_owned(), true)];
    while let Some((path, is_folder)) = ahead.pop() {
        if !is_folder {
            found.push(Ok(path));
            continue;
        }
        match entries(&path) {
            Ok(inside) => ahead.extend(inside.into_iter().rev()),
            Err(error) => {
                found.push(Err((path, told(format!("The folder could not be read: {error}.")))));
            }
        }
    }
}

/// The PDFs and folders in a folder, by name; whether each is a folder.
fn entries(folder: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut inside = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            inside.push((path, true));
        } else if is_pdf(&path) && (kind.is_file() || leads_to_a_file(&path)) {
            inside.push((path, false));
        }
    }
    inside.sort();
    Ok(inside)
}

fn is_pdf(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pdf"))
}

/// A link to a regular file, or to nothing: that one is named as unreadable. Pipes and devices would hold us up.
fn leads_to_a_file(path: &Path) -> bool {
    path.is_symlink() && fs::metadata(path).map_or(true, |behind| behind.is_file())
}

fn told(message: String) -> Message {
    Message { key: "file.io".to_owned(), message }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(found: &[Found], base: &Path) -> Vec<String> {
        let shown = |path: &Path| path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
        found
            .iter()
            .map(|one| match one {
                Ok(path) => shown(path),
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
        for file in
            ["in/z.pdf", "in/a.PDF", "in/b/1.pdf", "in/b/c/2.Pdf", "in/notes.txt", "in/pdf", "one.bin"]
        {
            fs::write(at(file), b"").unwrap();
        }
        symlink(at("in"), at("in/b/loop")).unwrap();
        symlink(at("in"), at("in/loop.pdf")).unwrap();
        symlink(at("one.bin"), at("in/linked.pdf")).unwrap();
        symlink(at("gone"), at("in/gone.pdf")).unwrap();
        let found = find(&[at("one.bin"), at("in"), at("empty"), at("absent")]);
        assert_eq!(
            names(&found, base.path()),
            [
                "one.bin",
                "in/a.PDF",
                "in/b/1.pdf",
                "in/b/c/2.Pdf",
                "in/gone.pdf",
                "in/linked.pdf",
                "in/z.pdf",
                "empty: There is no PDF in this folder.",
                "absent",
            ]
        );
        let through_a_link = find(&[at("in/b/loop")]);
        assert_eq!(through_a_link.len(), 6, "a folder that the command line names may be a link");
    }
}
