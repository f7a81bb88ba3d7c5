//! Plans and results for people to read. This is what the administrator asked to see, so it
//! names people; the log does not.

use std::io::{self, Write};

use crate::guard::Finding;
use crate::model::{Action, Attr, Catalogue, Change, Kind, Telephone, Withheld};

use super::counts::Counts;

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What is new or well.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What changes, or needs attention.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// What is taken away, or failed.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What is said beside.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// Of the members of a group so many are shown.
const MEMBERS: usize = 20;

/// The sign of an action: `+` gives, `~` changes, `-` takes away.
pub fn sign(kind: Kind) -> char {
    match kind {
        Kind::Create | Kind::Reactivate | Kind::LicenseAdd | Kind::GroupCreate => '+',
        Kind::Adopt | Kind::Update | Kind::RoleChange | Kind::GroupUpdate => '~',
        Kind::Deactivate | Kind::Delete | Kind::LicenseRemove | Kind::GroupDelete => '-',
    }
}

/// Writes an action: what, for whom, why, and each value before and after.
///
/// # Errors
///
/// When it cannot be written.
pub fn action(
    out: &mut dyn Write,
    style: Style,
    catalogue: &Catalogue,
    action: &Action,
    held_by: Option<&str>,
) -> io::Result<()> {
    let head = format!("{} {:<14} {}", sign(action.kind), action.kind.name(), printable(action.who.as_str()));
    let head = match sign(action.kind) {
        '+' => style.green(&head),
        '-' => style.red(&head),
        _ => style.yellow(&head),
    };
    let cause = style.dim(&format!("({})", action.cause.words()));
    match held_by {
        Some(code) => writeln!(out, "{head}  {cause} {}", style.yellow(&format!("[held: {code}]")))?,
        None => writeln!(out, "{head}  {cause}")?,
    }
    if (action.kind.is_group()
        || matches!(action.kind, Kind::Create | Kind::Adopt | Kind::Deactivate | Kind::Delete))
        && let Some(dn) = &action.dn
    {
        writeln!(out, "      {}", style.dim(&printable(dn)))?;
    }
    if action.kind == Kind::RoleChange {
        writeln!(out, "      {}", style.dim("ends this person's sessions, and so comes last"))?;
    }
    // Hundreds of members are a list for the JSON.
    let (members, values): (Vec<&Change>, Vec<&Change>) =
        action.changes.iter().partition(|change| matches!(change.field, Attr::Member(_)));
    values.into_iter().try_for_each(|change| writeln!(out, "      {}", line(catalogue, change)))?;
    members.iter().take(MEMBERS).try_for_each(|change| writeln!(out, "      {}", line(catalogue, change)))?;
    if members.len() > MEMBERS {
        writeln!(out, "      ... and {} more members", members.len() - MEMBERS)?;
    }
    Ok(())
}

/// One value, before and after.
fn line(catalogue: &Catalogue, change: &Change) -> String {
    let value = |value: &Option<String>| match value {
        Some(text) => format!("\"{}\"", printable(text)),
        None => "nothing".to_owned(),
    };
    match &change.field {
        Attr::License(id) => {
            let name = printable(catalogue.name(id));
            let telephone = change.to.as_deref().and_then(|to| to.parse::<Telephone>().ok());
            match (&change.to, telephone) {
                (Some(_), Some(telephone)) => format!("licence {name}, {}", printable(&telephone.words())),
                (Some(_), None) => format!("licence {name}"),
                (None, _) if catalogue.get(id).is_some_and(|license| license.bond().is_calling()) => {
                    format!("no licence {name}: number, voicemail and all settings of the telephone are lost")
                }
                (None, _) => format!("no licence {name}"),
            }
        }
        Attr::Role(id) => {
            if change.to.is_some() {
                format!("role {id}")
            } else {
                format!("no role {id}")
            }
        }
        Attr::Member(_) => {
            let who = |who: &Option<String>| printable(who.as_deref().unwrap_or("somebody"));
            match &change.to {
                Some(_) => format!("+ {}", who(&change.to)),
                None => format!("- {}", who(&change.from)),
            }
        }
        field if change.from.is_none() => format!("{field}: {}", value(&change.to)),
        field => format!("{field}: {} -> {}", value(&change.from), value(&change.to)),
    }
}

/// Text from outside must not move the cursor or pass for lines of ours.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Writes who is withheld, and why. What to do is said once for all who stand together and need the same.
///
/// # Errors
///
/// When it cannot be written.
pub fn withheld<'a>(
    out: &mut dyn Write,
    style: Style,
    all: impl IntoIterator<Item = &'a Withheld>,
) -> io::Result<()> {
    let mut all = all.into_iter().peekable();
    while let Some(one) = all.next() {
        writeln!(out, "{}", style.yellow(&format!("! {:<14} {}", one.code, printable(&one.dn))))?;
        writeln!(out, "      {}", printable(&one.reason))?;
        if all.peek().is_none_or(|next| (&next.code, &next.remedy) != (&one.code, &one.remedy)) {
            writeln!(out, "      {}", style.dim(&format!("what to do: {}", one.remedy)))?;
        }
    }
    Ok(())
}

/// Writes the same under headings of their own: those who are withheld, and those of whom only a part is;
/// `most` of each.
///
/// # Errors
///
/// When it cannot be written.
pub fn all_withheld(out: &mut dyn Write, style: Style, all: &[Withheld], most: usize) -> io::Result<()> {
    let (parts, whole): (Vec<&Withheld>, Vec<&Withheld>) = all.iter().partition(|one| one.is_part());
    for (some, words) in [
        (whole, "Withheld: nothing is done to these until it is clear what should be"),
        (parts, "Withheld in part: all else of these goes on"),
    ] {
        if !some.is_empty() {
            heading(out, style, words)?;
            withheld(out, style, some.iter().copied().take(most))?;
        }
        if some.len() > most {
            writeln!(out, "  ... and {} more (all of them: --json)", some.len() - most)?;
        }
    }
    Ok(())
}

/// Writes what the guard and others object to.
///
/// # Errors
///
/// When it cannot be written.
pub fn findings(out: &mut dyn Write, style: Style, all: &[Finding]) -> io::Result<()> {
    for one in all {
        writeln!(out, "{}", style.yellow(&format!("! {:<14} {}", one.code, printable(&one.message))))?;
        writeln!(out, "      {}", style.dim(&format!("what to do: {}", one.remedy)))?;
    }
    Ok(())
}

/// A heading with a blank line before it.
///
/// # Errors
///
/// When it cannot be written.
pub fn heading(out: &mut dyn Write, style: Style, text: &str) -> io::Result<()> {
    writeln!(out, "\n{}", style.bold(text))
}

/// The counts that are not zero, a line each.
///
/// # Errors
///
/// When it cannot be written.
pub fn counts(out: &mut dyn Write, counts: &Counts) -> io::Result<()> {
    writeln!(out, "{}", counts.words())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Field, License, LicenseId, LicenseKind};

    fn shown(kind: Kind, changes: Vec<Change>, held: Option<&str>) -> String {
        let catalogue = Catalogue(vec![License {
            id: LicenseId::new("MS_1"),
            name: "Advanced Messaging".into(),
            service: None,
            kind: LicenseKind::Paid,
            subscription: None,
            site: None,
            total: None,
            consumed: 0,
        }]);
        let action_ = Action {
            kind,
            anchor: crate::model::SourceId::new([1; 16]),
            who: "ann@example.com".parse().unwrap(),
            dn: Some("cn=ann\n,dc=test".into()),
            cloud_id: None,
            changes,
            cause: Cause::Desired,
        };
        let mut out = Vec::new();
        action(&mut out, Style::default(), &catalogue, &action_, held).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_to_do_is_said_once_for_those_who_need_the_same() {
        let one = |code: &str, remedy: &str| Withheld {
            anchor: None,
            dn: "cn=a".into(),
            code: code.into(),
            reason: "so".into(),
            remedy: remedy.into(),
        };
        let all = [one("x", "do it"), one("x", "do it"), one("x", "do that"), one("y", "do that")];
        let mut out = Vec::new();
        withheld(&mut out, Style { color: false }, &all).unwrap();
        let out = String::from_utf8(out).unwrap();
        let remedies: Vec<usize> =
            out.lines().enumerate().filter(|(_, l)| l.contains("what to do")).map(|(at, _)| at).collect();
        assert_eq!(remedies, [4, 7, 10], "{out}");
    }

    #[test]
    fn an_action_shows_every_value_before_and_after() {
        let text = shown(
            Kind::Update,
            vec![
                Change::new(Attr::Field(Field::Title), Some("A".into()), Some("B".into())),
                Change::new(Attr::Field(Field::City), Some("Leeds".into()), None),
                Change::new(Attr::Field(Field::Region), None, Some("X\u{1b}[2J".into())),
            ],
            None,
        );
        assert_eq!(
            text,
            "~ update         ann@example.com  (changed in the directory)\n      title: \"A\" -> \"B\"\n      \
             city: \"Leeds\" -> nothing\n      region: \"X\u{fffd}[2J\"\n"
        );
    }

    #[test]
    fn licences_have_their_names_and_held_actions_say_so() {
        let give = shown(Kind::LicenseAdd, vec![Change::give(LicenseId::new("MS_1"))], None);
        assert!(give.starts_with("+ license_add") && give.contains("licence Advanced Messaging"), "{give}");
        let take = shown(
            Kind::LicenseRemove,
            vec![Change::take(LicenseId::new("gone"))],
            Some("too_many_license_removals"),
        );
        assert!(
            take.contains("no licence gone") && take.contains("[held: too_many_license_removals]"),
            "{take}"
        );
    }

    #[test]
    fn line_ends_from_outside_stay_in_their_line() {
        assert!(shown(Kind::Create, vec![], None).contains("cn=ann\u{fffd},dc=test"));
    }
}
