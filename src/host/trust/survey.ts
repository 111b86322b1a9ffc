import type { Environment } from "../settings/places.ts";
import { checkoutsFor, stillFits, storeFor } from "./belief.ts";
import { changeRecord } from "./change.ts";
import { type Contribution, entriesOf } from "./entries.ts";
import { type TrustPlace, trustPlaceOf } from "./place.ts";
import {
  type TrustRecord,
  type TrustStore,
  type TrustedCheckout,
  digestOf,
  readContent,
  readRecord,
} from "./store.ts";
import { type Subject, subjectsAt } from "./subjects.ts";

/** A file with what it would add and what was agreed to before. */
export interface SurveyedFile {
  readonly subject: Subject;
  readonly contribution: Contribution;
  /** `fault`: nothing of it can count as it stands. */
  readonly status: "trusted" | "changed" | "new" | "fault";
  /** Of its bytes; undefined for a fault. */
  readonly sha256: string | undefined;
  /** The text that was agreed to, of a file that has changed since; undefined where it is gone. */
  readonly before?: string | undefined;
}

/** What there is to be trusted at a place. */
export interface Survey {
  readonly at: TrustPlace;
  /** Undefined where the store would lie in the project itself. */
  readonly store: TrustStore | undefined;
  readonly files: readonly SurveyedFile[];
  /** Something was agreed to under this name, for another directory or repository. */
  readonly replaced: boolean;
}

/** Looks at a place and everything in it that trust is about. Throws what the system says. */
export function surveyAt(
  directory: string,
  { env, home }: { readonly env: Environment; readonly home: string },
): Survey {
  const at = trustPlaceOf(directory, home);
  const store = storeFor(at, env, home);
  const kept = store && readRecord(store, at.place);
  const record = kept && stillFits(at, kept);
  const parts = record === undefined ? [] : agreedParts(at, record);
  const files = subjectsAt(at, { env, home }).map((subject): SurveyedFile => {
    const contribution = entriesOf(subject, home);
    if (subject.bytes === undefined || contribution.fault !== undefined)
      return { subject, contribution, status: "fault", sha256: undefined };
    const sha256 = digestOf(subject.bytes);
    const agreed = parts.flatMap((part) => part.files.filter(({ path }) => path === subject.path));
    if (agreed.some((file) => file.sha256 === sha256))
      return { subject, contribution, status: "trusted", sha256 };
    const [last] = agreed;
    if (last === undefined) return { subject, contribution, status: "new", sha256 };
    const content = store && readContent(store, at.place, last.sha256);
    const before = content && Buffer.from(content).toString("utf8");
    return { subject, contribution, status: "changed", sha256, before };
  });
  return { at, store, files, replaced: kept !== undefined && record === undefined };
}

/** The files a person has to be asked about: they would add something, and nobody agreed to that. */
export function openQuestions({ files }: Survey): readonly SurveyedFile[] {
  return files.filter(
    ({ status, contribution }) =>
      (status === "new" || status === "changed") && contribution.entries.some(({ opens }) => opens),
  );
}

/** True when the files, and the place they lie in, are in `b` what a person saw of them in `a`. */
export function isSameSurvey(a: Survey, b: Survey): boolean {
  const told = ({ at, files }: Survey): string =>
    JSON.stringify([at, files.map(({ subject, sha256 }) => [subject.path, subject.own, sha256 ?? null])]);
  return told(a) === told(b);
}

/**
 * Records consent to the files as they were looked at; to what they have become since nobody
 * agreed. Of the folders that were looked through, what stood there before is forgotten.
 *
 * Throws `SettingsFileError` where the store cannot be relied on.
 */
export function recordConsent({ at, files }: Survey, store: TrustStore, when: string): void {
  const agreed = files.flatMap(({ subject, sha256 }) =>
    sha256 === undefined ? [] : [{ path: subject.path, sha256, own: subject.own }],
  );
  const folders = new Set([at.checkout, at.directory].map((folder) => folderIn(at, folder)));
  const change = (old: TrustRecord | undefined): TrustRecord => {
    const kept = old?.identity === at.placeIdentity ? old.checkouts : [];
    const mine = kept.find((part) => part.at === at.checkout && part.identity === at.checkoutIdentity);
    const elsewhere = (mine?.files ?? []).filter(({ path }) => !folders.has(settingsFolder(path)));
    const checkout = { at: at.checkout, identity: at.checkoutIdentity, files: [...elsewhere, ...agreed] };
    const others = kept.filter((part) => part.at !== at.checkout);
    return { place: at.place, identity: at.placeIdentity, when, checkouts: [...others, checkout] };
  };
  const contents = files.flatMap(({ subject, sha256 }) =>
    sha256 === undefined ? [] : [subject.bytes ?? []],
  );
  changeRecord(
    store,
    at.place,
    change,
    contents.map((bytes) => Uint8Array.from(bytes)),
  );
}

function agreedParts(at: TrustPlace, record: TrustRecord): readonly TrustedCheckout[] {
  const { own, main } = checkoutsFor(at, record);
  return [own, main].filter((part) => part !== undefined);
}

function folderIn({ checkout }: TrustPlace, folder: string): string {
  return folder === checkout
    ? ""
    : folder.slice(checkout.endsWith("/") ? checkout.length : checkout.length + 1);
}

/** The directory a file of settings belongs to: that of `a/.claude/hooks/x.js` is `a`. */
function settingsFolder(path: string): string {
  const parts = path.split("/");
  const at = parts.findLastIndex((part) => part === ".cordon" || part === ".claude");
  return parts.slice(0, at === -1 ? parts.length - 1 : at).join("/");
}
