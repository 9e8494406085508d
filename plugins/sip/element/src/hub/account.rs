//! Our account at the trunk. It is read from a file or the environment, and nowhere shown.

use convene_sip::Credentials;

/// Where an account is looked for when no file has it.
const USER: &str = "CONVENE_SIP_USER";
const PASSWORD: &str = "CONVENE_SIP_PASSWORD";

/// Reads the account; none where there is none. The error is a sentence without anything of what was read.
pub fn read(file: Option<&str>) -> Result<Option<Credentials>, String> {
    let Some(file) = file else {
        let [user, password] = [USER, PASSWORD].map(|name| std::env::var(name).ok());
        return Ok(user.zip(password).map(|(user, password)| Credentials { user, password }));
    };
    let text = std::fs::read_to_string(file);
    let text =
        text.map_err(|error| format!("\"{file}\", which has the trunk's account, cannot be read: {error}."))?;
    let credentials = parse(&text);
    credentials.map(Some).ok_or_else(|| format!("\"{file}\" has no line like USER:PASSWORD as its first."))
}

fn parse(text: &str) -> Option<Credentials> {
    let (user, password) = text.lines().next()?.split_once(':')?;
    let [user, password] = [user, password].map(|word| word.trim().to_owned());
    // It becomes a part of a URI and of a header field.
    let is_user = !user.is_empty() && user.chars().all(|c| c.is_ascii_graphic() && !"<>\"\\;?%".contains(c));
    is_user.then_some(Credentials { user, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_one_line() {
        let read = |text: &str| parse(text).map(|read| (read.user, read.password));
        assert_eq!(read("ann:a:b c\nmore\n"), Some(("ann".to_owned(), "a:b c".to_owned())));
        assert_eq!(
            read("+4930@provider.example:x"),
            Some(("+4930@provider.example".to_owned(), "x".to_owned()))
        );
        for wrong in ["", "ann", ":x", "a nn:x", "<ann>:x", "\nann:x"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn nothing_of_an_account_is_in_what_is_said_about_it() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let path = file.path().display().to_string();
        std::fs::write(&path, "sesame").expect("it can be written");
        let error = read(Some(&path)).expect_err("it has no colon");
        assert!(error.contains(&path) && !error.contains("sesame"), "{error}");
        assert!(read(Some("/nowhere/account")).is_err());
    }
}
