//! The steps of SASL GSSAPI (RFC 4752, 3.1): the context, then the choice of no layer.

use cross_krb5::{ClientCtx, InitiateFlags, K5Ctx, PendingClientCtx, Step};
use ldap3::LdapResult;
use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use x509_parser::parse_x509_certificate;

use crate::source::SourceErrorKind::{Broken, Refused, Unreachable};
use crate::source::ldap::settings::Settings;
use crate::source::ldap::target::Target;
use crate::source::ldap::trouble::{Failure, Trouble};
use crate::source::ldap::wire::{Wire, ask, element};

/// RFC 4511: the server wants another step.
const IN_PROGRESS: u32 = 14;
/// RFC 4752, 3.1: the bit for "no security layer".
const NO_LAYER: u8 = 1;

/// Logs in, with the principal in the setting `bind` if there is one. The result is the server's.
pub(in crate::source::ldap) async fn bind(
    wire: &mut dyn Wire,
    settings: &Settings,
    target: &Target,
    certificate: Option<&[u8]>,
) -> Result<LdapResult, Trouble> {
    let limit = settings.operation_timeout;
    match timeout(limit, steps(wire, settings, target, certificate)).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let mut trouble = Failure::Timeout(limit).into_trouble("logging in by Kerberos");
            trouble.kind = Unreachable;
            Err(trouble)
        }
    }
}

async fn steps(
    wire: &mut dyn Wire,
    settings: &Settings,
    target: &Target,
    certificate: Option<&[u8]>,
) -> Result<LdapResult, Trouble> {
    let service = format!("ldap/{}", target.host);
    let principal = settings.bind.clone();
    let binding = certificate.and_then(end_point);
    // Kerberos reads files and asks its servers, and blocks meanwhile.
    let (mut pending, token) = spawn_blocking(move || {
        ClientCtx::new(
            InitiateFlags::DISABLE_CONFIDENTIALITY,
            principal.as_deref(),
            &service,
            binding.as_deref(),
        )
        .map(|(pending, token)| (pending, token.to_vec()))
    })
    .await
    .map_err(|_| no_ticket(target, "the Kerberos library failed"))?
    .map_err(|error| no_ticket(target, &format!("{error:#}")))?;
    let mut token = Some(token);
    let mut id = 1;
    let mut context = loop {
        let (result, answer) = send(wire, target, &mut id, token.as_deref()).await?;
        if result.rc != IN_PROGRESS {
            return Ok(result);
        }
        match step(target, pending, answer.unwrap_or_default()).await? {
            Step::Finished((context, last)) => {
                token = last;
                break context;
            }
            Step::Continue((next, more)) => (pending, token) = (next, Some(more)),
        }
    };
    let (result, offer) = send(wire, target, &mut id, token.as_deref()).await?;
    if result.rc != IN_PROGRESS {
        return Ok(result);
    }
    let strange = |what: &str| {
        Trouble::new(
            Broken,
            format!("logging in to {} by Kerberos: {what}", target.server),
            "look into the server's log",
        )
    };
    let layers =
        context.unwrap(&offer.unwrap_or_default()).map_err(|error| strange(&format!("{error:#}")))?;
    if layers.first().is_none_or(|layers| layers & NO_LAYER == 0) {
        return Err(Trouble::new(
            Refused,
            format!("{} wants signing or sealing by Kerberos besides TLS", target.server),
            "allow Kerberos without signing below TLS (Samba: ldap server require strong auth = \
             allow_sasl_over_tls)",
        ));
    }
    let choice = context.wrap(false, &[NO_LAYER, 0, 0, 0]).map_err(|error| strange(&format!("{error:#}")))?;
    Ok(send(wire, target, &mut id, Some(&choice)).await?.0)
}

type Stepped = Step<(ClientCtx, Option<Vec<u8>>), (PendingClientCtx, Vec<u8>)>;

async fn step(target: &Target, pending: PendingClientCtx, token: Vec<u8>) -> Result<Stepped, Trouble> {
    let stepped = spawn_blocking(move || {
        pending.step(&token).map(|step| match step {
            Step::Finished((context, last)) => Step::Finished((context, last.map(|token| token.to_vec()))),
            Step::Continue((next, token)) => Step::Continue((next, token.to_vec())),
        })
    });
    match stepped.await {
        Ok(Ok(step)) => Ok(step),
        Ok(Err(error)) => Err(no_ticket(target, &format!("{error:#}"))),
        Err(_) => Err(no_ticket(target, "the Kerberos library failed")),
    }
}

/// A BindRequest (RFC 4511, 4.2) with the mechanism GSSAPI, and the answer to it.
async fn send(
    wire: &mut dyn Wire,
    target: &Target,
    id: &mut u8,
    token: Option<&[u8]>,
) -> Result<(LdapResult, Option<Vec<u8>>), Trouble> {
    let mut sasl = element(0x04, b"GSSAPI");
    if let Some(token) = token {
        sasl.extend(element(0x04, token));
    }
    let request = [element(0x02, &[3]), element(0x04, b""), element(0xa3, &sasl)].concat();
    let answer = ask(wire, *id, &element(0x60, &request)).await;
    *id = id.saturating_add(1);
    answer.map_err(|error| {
        Trouble::new(
            Unreachable,
            format!("logging in to {} by Kerberos: the connection broke: {error}", target.server),
            "look into the server's log; the next pass tries again",
        )
    })
}

fn no_ticket(target: &Target, why: &str) -> Trouble {
    Trouble::new(
        Refused,
        format!("there is no Kerberos ticket for ldap/{}: {why}", target.host),
        "check the keytab (KRB5_CLIENT_KTNAME) or the ticket cache (KRB5CCNAME) of this service, its realm in \
         krb5.conf, and the clocks",
    )
}

/// RFC 5929, 4.1: the hash of the certificate, by the hash of its signature, but no weaker
/// than SHA-256. `None` where the signature has no hash of its own.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let algorithm: &Algorithm = match parsed.signature_algorithm.algorithm.to_id_string().as_str() {
        // RSA and ECDSA with MD5, SHA-1, SHA-256.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.113549.1.1.11" => &SHA256,
        "1.2.840.10045.4.1" | "1.2.840.10045.4.3.2" => &SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &SHA512,
        _ => return None,
    };
    Some([b"tls-server-end-point:", digest(algorithm, certificate).as_ref()].concat())
}
