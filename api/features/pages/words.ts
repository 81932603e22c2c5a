import type { Locale } from "../../mail/mod.ts";

export type PageName = "accept" | "verify" | "reset";

interface PageWords {
  title: string;
  lead: string;
  button: string;
  done: string;
}

export interface Words {
  pages: Record<PageName, PageWords>;
  name: string;
  password: string;
  repeat: string;
  key: string;
  keyMade: string;
  keyOwn: string;
  publicKey: string;
  tunnel: string;
  /** Where the file lacks the key that its user brought. */
  ownKey: string;
  scan: string;
  qr: string;
  file: string;
  save: string;
  working: string;
  mismatch: string;
  invalid: string;
  throttled: string;
  refused: string;
  failed: string;
  noScript: string;
  /** What is wrong with a field, by the code that the API answers. */
  faults: Record<string, string>;
}

const en: Words = {
  pages: {
    accept: {
      title: "Accept the invitation",
      lead: "Choose a password, and your account is made.",
      button: "Make my account",
      done: "Your account is made.",
    },
    verify: {
      title: "Confirm your address",
      lead: "Confirm that the message with this link was meant for you.",
      button: "Confirm",
      done: "Thank you, your address is confirmed.",
    },
    reset: {
      title: "Choose a new password",
      lead: "Every session of yours ends, on all devices.",
      button: "Set the password",
      done: "Your password is changed. Log in with the new one.",
    },
  },
  name: "Your name",
  password: "Password",
  repeat: "The password again",
  key: "Key of your tunnel",
  keyMade: "Make one for me, and show it to me once",
  keyOwn: "Use mine: I paste the public key",
  publicKey: "Public key",
  tunnel:
    "Your tunnel: save the file on this device and import it in the WireGuard app. It is shown this once. Then remove the tunnel that came with the invitation, and turn this one on.",
  ownKey:
    "First put your private key into the file, where it says PrivateKey, and take away the # before it: we never saw that key.",
  scan: "Or scan this code with the WireGuard app on another device.",
  qr: "The file as a QR code",
  file: "The file",
  save: "Save the file",
  working: "One moment …",
  mismatch: "The two passwords differ.",
  invalid: "This link is no longer good: it was used, replaced or is too old. Ask for another.",
  throttled: "Too many attempts. Wait a minute and try again.",
  refused: "This does not work through this tunnel.",
  failed: "That did not work. Try again in a moment.",
  noScript: "This page needs JavaScript.",
  faults: {
    too_short: "The password is too short.",
    too_long: "The password is too long.",
    no_upper: "The password needs an upper-case letter.",
    no_lower: "The password needs a lower-case letter.",
    no_digit: "The password needs a digit.",
    no_special: "The password needs a character that is neither letter nor digit.",
    personal: "The password must not be made of names that belong to you.",
    too_common: "The password is in every list of passwords.",
    too_weak: "The password is too easy to guess.",
    breached: "The password is known from a breach of another service.",
    public_key: "The public key is none, or is in use.",
    other: "Something in the form is wrong.",
  },
};

const fr: Words = {
  pages: {
    accept: {
      title: "Accepter l’invitation",
      lead: "Choisissez un mot de passe, et votre compte est créé.",
      button: "Créer mon compte",
      done: "Votre compte est créé.",
    },
    verify: {
      title: "Confirmer votre adresse",
      lead: "Confirmez que le message qui contient ce lien vous était destiné.",
      button: "Confirmer",
      done: "Merci, votre adresse est confirmée.",
    },
    reset: {
      title: "Choisir un nouveau mot de passe",
      lead: "Toutes vos sessions seront fermées, sur tous vos appareils.",
      button: "Changer le mot de passe",
      done: "Votre mot de passe est changé. Connectez-vous avec le nouveau.",
    },
  },
  name: "Votre nom",
  password: "Mot de passe",
  repeat: "Le mot de passe, encore une fois",
  key: "Clé de votre tunnel",
  keyMade: "Créez-en une pour moi et montrez-la-moi une seule fois",
  keyOwn: "Utilisez la mienne : je colle la clé publique",
  publicKey: "Clé publique",
  tunnel:
    "Votre tunnel : enregistrez le fichier sur cet appareil et importez-le dans l’application WireGuard. Il n’est montré que cette fois. Supprimez ensuite le tunnel joint à l’invitation et activez celui-ci.",
  ownKey:
    "Mettez d’abord votre clé privée dans le fichier, à la ligne PrivateKey, et retirez le # qui la précède : nous n’avons jamais vu cette clé.",
  scan: "Ou scannez ce code avec l’application WireGuard d’un autre appareil.",
  qr: "Le fichier sous forme de code QR",
  file: "Le fichier",
  save: "Enregistrer le fichier",
  working: "Un instant …",
  mismatch: "Les deux mots de passe sont différents.",
  invalid:
    "Ce lien n’est plus valable : il a servi, a été remplacé ou est trop ancien. Demandez-en un autre.",
  throttled: "Trop de tentatives. Patientez une minute puis réessayez.",
  refused: "Ce tunnel ne permet pas cette opération.",
  failed: "Cela n’a pas fonctionné. Réessayez dans un instant.",
  noScript: "Cette page a besoin de JavaScript.",
  faults: {
    too_short: "Le mot de passe est trop court.",
    too_long: "Le mot de passe est trop long.",
    no_upper: "Il manque une majuscule au mot de passe.",
    no_lower: "Il manque une minuscule au mot de passe.",
    no_digit: "Il manque un chiffre au mot de passe.",
    no_special: "Il manque au mot de passe un caractère qui ne soit ni lettre ni chiffre.",
    personal: "Le mot de passe ne doit pas être fait de noms qui vous concernent.",
    too_common: "Ce mot de passe est dans toutes les listes.",
    too_weak: "Ce mot de passe est trop facile à deviner.",
    breached: "Ce mot de passe a fui d’un autre service.",
    public_key: "Cette clé publique n’en est pas une, ou est déjà utilisée.",
    other: "Un champ du formulaire est incorrect.",
  },
};

export const words: Record<Locale, Words> = { en, fr };

/** The language that a browser asks for, of those there are (RFC 9110, 12.5.4); English where it asks for none. */
export function languageOf(header: string | undefined): Locale {
  const wanted = (header ?? "").split(",").slice(0, 20).map((part) => {
    const [range = "", ...parameters] = part.trim().toLowerCase().split(/\s*;\s*/);
    const q = parameters.find((each) => each.startsWith("q="))?.slice(2) ?? "1";
    return { language: range.split("-")[0] ?? "", q: Number(q) || 0 };
  }).filter(({ q }) => q > 0).sort((a, b) => b.q - a.q);
  for (const { language } of wanted) if (language === "en" || language === "fr") return language;
  return "en";
}
