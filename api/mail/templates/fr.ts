import { facts, link, quoted, text } from "./blocks.ts";
import type { Phrases } from "./phrases.ts";

const time = (at: string) =>
  `${at.slice(8, 10)}/${at.slice(5, 7)}/${at.slice(0, 4)} à ${at.slice(11, 16)} UTC`;
const where = (source: string | null) => source === null ? "inconnue" : quoted(source);
const notYou = text(
  "Si ce n’était pas vous, changez votre mot de passe sans attendre et prévenez l’administrateur de votre entreprise.",
);

export const fr: Phrases = {
  verify_email: ({ link: url }) => ({
    subject: "Confirmez votre adresse e-mail",
    blocks: [
      text(
        "Merci de confirmer que cette adresse e-mail est bien la vôtre. Le lien est valable 24 heures et ne sert qu’une fois.",
      ),
      link("Confirmer l’adresse", url),
      text("Si vous n’attendiez pas ce message, ne faites rien : il ne se passera rien."),
    ],
  }),
  registration: ({ link: url }) => ({
    subject: "Confirmez votre inscription",
    blocks: [
      text(
        "Quelqu’un, vous sans doute, a demandé un compte avec cette adresse et lui a choisi un mot de passe. Ne confirmez que si c’était vous. Le lien est valable 24 heures et ne sert qu’une fois.",
      ),
      link("Confirmer l’inscription", url),
      text("Si ce n’était pas vous, ne faites rien : aucun compte ne sera créé."),
    ],
  }),
  already_registered: () => ({
    subject: "Vous avez déjà un compte",
    blocks: [
      text(
        "Quelqu’un, vous sans doute, a demandé un nouveau compte avec cette adresse. Vous en avez déjà un : connectez-vous, ou demandez un nouveau mot de passe si vous avez oublié le vôtre.",
      ),
      text("Rien n’a été modifié. Si ce n’était pas vous, ne faites rien."),
    ],
  }),
  password_reset: ({ link: url }) => ({
    subject: "Choisissez un nouveau mot de passe",
    blocks: [
      text(
        "Quelqu’un, vous sans doute, a demandé un nouveau mot de passe pour votre compte. Le lien est valable 30 minutes et ne sert qu’une fois.",
      ),
      link("Choisir un nouveau mot de passe", url),
      text(
        "Si ce n’était pas vous, ne faites rien : votre mot de passe reste le même. Ne transmettez jamais ce lien.",
      ),
    ],
  }),
  invitation: ({ link: url, tenantName, invitedBy, confFile }) => ({
    subject: "Vous êtes invité",
    blocks: [
      text(
        invitedBy === null
          ? `Vous êtes invité à rejoindre « ${quoted(tenantName)} ».`
          : `${quoted(invitedBy)} vous invite à rejoindre « ${quoted(tenantName)} ».`,
      ),
      ...(confFile === undefined ? [] : [text(
        "Le fichier joint massacorp.conf est un tunnel WireGuard qui ne sert qu’à cela. Importez-le dans l’application WireGuard et activez-le : le lien ne fonctionne qu’à travers le tunnel.",
      )]),
      link("Accepter l’invitation", url),
      text(
        "Le lien est valable 24 heures au plus et ne sert qu’une fois. Ne transmettez ni le lien ni le fichier.",
      ),
    ],
  }),
  alert_locked: ({ at, source }) => ({
    subject: "Les connexions à votre compte sont suspendues",
    blocks: [
      text(
        "Trop de connexions à votre compte ont échoué ; depuis le même endroit, les suivantes sont refusées pendant 15 minutes. Ailleurs, vous vous connectez comme d’habitude.",
      ),
      facts(["Date", time(at)], ["Origine", where(source)]),
      text(
        "Si c’était vous, patientez puis réessayez. Sinon, votre mot de passe a tenu ; prévenez votre administrateur.",
      ),
    ],
  }),
  alert_guesses: ({ at, source }) => ({
    subject: "Quelqu’un cherche peut-être votre mot de passe",
    blocks: [
      text(
        "De nombreuses connexions à votre compte ont échoué en 15 minutes, en tout, depuis plusieurs endroits. Rien n’est refusé pour autant ; tant que cela dure, une connexion peut prendre un instant de plus.",
      ),
      facts(["La dernière", time(at)], ["Origine", where(source)]),
      text(
        "Si c’était vous, il n’y a rien à faire. Sinon, votre mot de passe a tenu ; prévenez votre administrateur.",
      ),
    ],
  }),
  alert_password_changed: ({ at, source }) => ({
    subject: "Votre mot de passe a été changé",
    blocks: [
      text("Le mot de passe de votre compte a été changé et vos autres sessions sont fermées."),
      facts(["Date", time(at)], ["Origine", where(source)]),
      notYou,
    ],
  }),
  alert_email_changed: ({ at, source }) => ({
    subject: "Votre adresse e-mail a été changée",
    blocks: [
      text("Votre compte a désormais une autre adresse e-mail. Les messages n’arrivent plus ici."),
      facts(["Date", time(at)], ["Origine", where(source)]),
      text("Si ce n’était pas vous, prévenez tout de suite l’administrateur de votre entreprise."),
    ],
  }),
  alert_mfa_enabled: ({ at, source }) => ({
    subject: "La connexion en deux étapes est activée",
    blocks: [
      text("Un second facteur a été configuré pour votre compte."),
      facts(["Date", time(at)], ["Origine", where(source)]),
      notYou,
    ],
  }),
  alert_mfa_disabled: ({ at, source }) => ({
    subject: "La connexion en deux étapes est désactivée",
    blocks: [
      text("Le second facteur de votre compte a été retiré : le mot de passe seul suffit."),
      facts(["Date", time(at)], ["Origine", where(source)]),
      notYou,
    ],
  }),
  alert_mfa_reset: ({ at, by, reason }) => ({
    subject: "Votre second facteur a été réinitialisé",
    blocks: [
      text("Un administrateur a retiré le second facteur de votre compte."),
      facts(
        ["Date", time(at)],
        ["Par", by === null ? "l’opérateur" : quoted(by)],
        ["Motif", quoted(reason)],
      ),
      text("Si vous ne l’avez pas demandé, prévenez l’administrateur de votre entreprise."),
    ],
  }),
  alert_new_recovery_codes: ({ at }) => ({
    subject: "Vous avez de nouveaux codes de secours",
    blocks: [
      text(
        "De nouveaux codes de secours ont été créés pour votre compte ; les anciens ne valent plus.",
      ),
      facts(["Date", time(at)]),
      notYou,
    ],
  }),
  alert_recovery_code_used: ({ left }) => ({
    subject: "Un code de secours a été utilisé",
    blocks: [
      text("Quelqu’un, vous sans doute, s’est connecté à votre compte avec un code de secours."),
      facts(["Codes restants", String(left)]),
      notYou,
    ],
  }),
  gateway_key: ({ at, tenantName, endpoint, publicKey, nextPublicKey, peers }) => ({
    subject: "Une ligne à changer dans les tunnels de votre entreprise",
    blocks: [
      text(
        `La passerelle de « ${
          quoted(tenantName)
        } » change de clé. À partir de ce moment, chaque tunnel reste muet tant qu’une ligne de son fichier n’est pas changée : PublicKey, dans la section [Peer]. Le reste ne change pas.`,
      ),
      facts(
        ["Quand", time(at)],
        ["Passerelle", quoted(endpoint)],
        ["Tunnels", String(peers)],
        ["PublicKey actuelle", publicKey],
        ["Nouvelle PublicKey", nextPublicKey],
      ),
      text(
        "Prévenez avant ce moment toutes les personnes qui ont un tunnel. Une fois ce moment passé, tout nouveau fichier fourni par l’API contient la nouvelle ligne.",
      ),
    ],
  }),
};
