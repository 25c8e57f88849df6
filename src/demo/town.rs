//! The town of the demo: a province office, three recipients, their people, tokens and keys.

use std::{path::Path, sync::Arc};

use super::{
    DemoError,
    pki::{DemoPki, DemoServices, Holder},
};
use crate::{
    appearance::Picture,
    base::{Chance, Clock, Limits, Pin},
    dispatch::{self, Numbering},
    fetch::Fetcher,
    ledger::LedgerKey,
    people::{Agency, AgencyCode, Role, Scopes},
    service::{
        HeldKey, HeldKeys, NewApiKey, NewMember, Service, Setup,
        sign::{SchemeWish, Signer, SigningDesk, TimeStamping},
    },
    token::{
        KeySelector, LastTry, Module, Token, TokenSelector,
        provision::{self, NewKey, NewKeyKind},
    },
    validation::{Level, Policy},
    x509::Certificate,
};

/// Everything that the demo seeds. What is printed of it is good for this run only.
pub struct Town {
    /// CA, OCSP responder, revocation lists and time-stamp authority.
    pub pki: DemoServices,
    /// The tasks.
    pub service: Service,
    /// Signing and its release check.
    pub desk: Arc<SigningDesk>,
    /// The leader's and the agency's key.
    pub keys: HeldKeys,
    /// The province office.
    pub office: Office,
    /// Who receives.
    pub recipients: Vec<Office>,
}

/// An agency of the demo and the API keys of its people.
pub struct Office {
    /// The agency.
    pub agency: Agency,
    /// The records clerk's key.
    pub clerk: String,
    /// The leader's key; recipients do without.
    pub leader: Option<String>,
}

/// The name under which the API knows the leader's key.
pub const LEADER_KEY: &str = "chu-tich";
/// The name under which the API knows the agency's key.
pub const AGENCY_KEY: &str = "con-dau";
/// Label and PIN of the leader's token. A demo's PIN is printed; a real one never is.
pub const LEADER_TOKEN: (&str, &str) = ("kyso demo leader", "135790");
/// Label and PIN of the agency's token.
pub const AGENCY_TOKEN: (&str, &str) = ("kyso demo agency", "246802");

/// The pictures of the demo, drawn for kyso.
const HANDWRITING: &[u8] = include_bytes!("../../samples/chu-ky.png");
const SEAL: &[u8] = include_bytes!("../../samples/con-dau.png");

const ORGANIZATION: &str = "Ủy ban nhân dân tỉnh Sông Lam";
const PROVINCE: &str = "Sông Lam";
const LEADER: &str = "Đặng Thuỳ Hương Giang";
const RECIPIENTS: [(&str, &str, &str); 3] = [
    ("H99.05", "Sở Nội vụ tỉnh Sông Lam", "Nguyễn Minh Khuê"),
    ("H99.07", "Sở Tài chính tỉnh Sông Lam", "Phạm Hồng Lĩnh"),
    ("H99.41", "Ủy ban nhân dân phường Thượng Lam", "Lý Thu Hà"),
];

impl Town {
    /// Builds it in `folder`, with the tokens on `module`.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used, a token does not do what it is asked, or the database does not open.
    pub async fn build(folder: &Path, module: &Module) -> Result<Self, DemoError> {
        let (clock, chance) = (Clock::System, Chance::system());
        let pki = DemoServices::start(clock, chance.clone())?;

        std::fs::write(folder.join("root.pem"), pki.pki().root().certificate().to_pem())?;
        let ledger_key = LedgerKey::generate("kyso.demo/so-van-ban", &chance)?;
        let database = format!("sqlite://{}", folder.join("kyso.db").display());
        let service = Service::open(Setup::new(database, folder.join("files"), ledger_key)).await?;

        let office = seed_office(&service).await?;
        let mut recipients = Vec::new();
        for (code, name, clerk) in RECIPIENTS {
            recipients.push(seed_recipient(&service, code, name, clerk).await?);
        }

        let module = module.clone();
        let (authority, agency) = (Arc::clone(pki.pki()), office.agency.code.clone());
        let keys = tokio::task::spawn_blocking(move || make_keys(&module, &authority, &agency))
            .await
            .map_err(|_| DemoError::Interrupted)??;

        let fetcher = Arc::new(Fetcher::allowing([pki.host()]));
        let desk = Arc::new(SigningDesk {
            clock,
            chance,
            limits: Limits::default(),
            fetcher,
            time_stamping: Some(TimeStamping::new(pki.tsa_url()).reaching(Level::Lt)),
            anchors: pki.pki().anchors(),
            policy: Policy::strict(),
            online: true,
            known: Arc::default(),
        });
        Ok(Self { pki, service, desk, keys, office, recipients })
    }
}

async fn seed_office(service: &Service) -> Result<Office, DemoError> {
    let agency = add_agency(service, "H99", ORGANIZATION).await?;
    let leader = add_member(service, &agency.code, LEADER, "Chủ tịch", Role::Leader).await?;
    let clerk = add_member(service, &agency.code, "Hồ Bá Thịnh", "Văn thư", Role::Clerk).await?;
    Ok(Office { agency, clerk, leader: Some(leader) })
}

async fn seed_recipient(service: &Service, code: &str, name: &str, clerk: &str) -> Result<Office, DemoError> {
    let agency = add_agency(service, code, name).await?;
    let clerk = add_member(service, &agency.code, clerk, "Văn thư", Role::Clerk).await?;
    Ok(Office { agency, clerk, leader: None })
}

async fn add_agency(service: &Service, code: &str, name: &str) -> Result<Agency, DemoError> {
    let code: AgencyCode = code.parse()?;
    let agency = Agency { code, name: name.to_owned(), place: PROVINCE.to_owned() };
    service.add_agency(agency.clone(), Numbering::PerType).await?;
    Ok(agency)
}

/// Adds a member and makes a key with all that the role allows.
async fn add_member(
    service: &Service,
    agency: &AgencyCode,
    name: &str,
    position: &str,
    role: Role,
) -> Result<String, DemoError> {
    let member = NewMember {
        agency: agency.clone(),
        name: name.to_owned(),
        position: position.to_owned(),
        roles: [role].into(),
    };
    let member = service.add_member(member).await?;
    let scopes: Scopes = role.permits().iter().copied().collect();
    let key = NewApiKey { member: member.id, scopes, expires_at: None, test: true };
    Ok(service.create_api_key(key).await?.text)
}

fn make_keys(module: &Module, pki: &DemoPki, agency: &AgencyCode) -> Result<HeldKeys, DemoError> {
    let leader = Holder::new(LEADER)
        .of(ORGANIZATION, PROVINCE)
        .in_unit("Lãnh đạo Ủy ban nhân dân tỉnh")
        .with_email("dthgiang@songlam.example");
    let seal = Holder::new(ORGANIZATION)
        .of(ORGANIZATION, PROVINCE)
        .in_unit("Văn phòng")
        .with_email("vanthu@songlam.example");

    let (leader_token, leader_spki) = make_token(module, LEADER_TOKEN, LEADER_KEY, NewKeyKind::Rsa2048)?;
    let (agency_token, agency_spki) = make_token(module, AGENCY_TOKEN, AGENCY_KEY, NewKeyKind::P256)?;
    let leader = hold(leader_token, LEADER_KEY, &pki.issue_person(&leader_spki, &leader)?, pki)?;
    let seal = hold(agency_token, AGENCY_KEY, &pki.issue_agency(&agency_spki, &seal)?, pki)?;

    let held = |role, signer, picture: &[u8]| {
        let picture = Some(Arc::new(Picture::read(picture)?));
        Ok::<_, DemoError>(HeldKey { agency: agency.clone(), role, signer: Arc::new(signer), picture })
    };
    Ok(HeldKeys::from([
        (LEADER_KEY.to_owned(), held(dispatch::Role::Approve, leader, HANDWRITING)?),
        (AGENCY_KEY.to_owned(), held(dispatch::Role::Issue, seal, SEAL)?),
    ]))
}

fn make_token(
    module: &Module,
    (label, pin): (&str, &str),
    key: &str,
    kind: NewKeyKind,
) -> Result<(Token, Vec<u8>), DemoError> {
    let fresh = |text: &str| Pin::new(text.as_bytes().to_vec());
    provision::init_token(module, label, fresh("98765432"), fresh(pin))?;
    let token = Token::open(module, &TokenSelector::labelled(label))?;
    token.login_and_keep(fresh(pin), LastTry::Refuse)?;
    let new = NewKey { label: key.to_owned(), id: vec![1], kind, always_authenticate: false };
    let spki = token.generate_key(&new)?;
    Ok((token, spki))
}

fn hold(token: Token, key: &str, certificate: &Certificate, pki: &DemoPki) -> Result<Signer, DemoError> {
    token.store_certificate(&[1], key, certificate)?;
    let key = KeySelector::Label(key.to_owned());
    // The certificate is read back from the token, as from any other.
    Ok(Signer::new(token, key, None, pki.chain(), SchemeWish::default())?)
}
