// What an attacker, or a platform gone mad, makes of a genuine webhook: of every forger, out of the fixtures of its channel. Drawn by
// fast-check, so that a failure is shrunk and its seed draws it again.
import { isUtf8 } from "node:buffer";
import { fixturesOf } from "@mio/shared/channels/conformance/fixture.ts";
import type { Forger } from "@mio/shared/channels/conformance/forger.ts";
import { forgers } from "@mio/shared/channels/conformance/forgers.ts";
import fc from "fast-check";
import type { HostileCase } from "../hostile-case.ts";
import { contentTypes, headerChanges } from "./headers.ts";
import { mutatedSample, type Sample } from "./mutated-sample.ts";
import { oddBody } from "./odd-body.ts";
import { pathsOf } from "./paths.ts";

const methods = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", "PROPFIND"];

/** Of all channels: one's proof is another's odd header. */
const proofHeaders = forgers.flatMap((forger) => forger.proofHeaders);

/** Any hostile case of any forger. */
export function hostileCases(): fc.Arbitrary<HostileCase> {
  return fc.oneof(...forgers.map(casesOf));
}

function casesOf(forger: Forger): fc.Arbitrary<HostileCase> {
  const [shared = ""] = forger.paths;
  const samples = samplesOf(forger);
  const anyAccount = fc.nat({ max: forger.accounts.length - 1 });
  // The samples name the workspace of the first.
  const account = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: anyAccount });
  const base = fc.record({ of: account, target: fc.constantFrom(shared, `${shared}/{account}`) });

  const sampleBody = withBody(base, fc.constantFrom(...samples));
  const mutatedBody = withBody(base, mutatedSample(samples));
  const anyBody = withBody(base, fc.record({ body: oddBody(), contentType: fc.constantFrom(...contentTypes) }));
  const signed = account.map((by) => ({ sign: { by, skewSeconds: 0 } }));
  const skewSeconds = fc.constantFrom(-100_000_000, -601, -301, -299, 299, 301, 601, 1e9);
  const skewed = fc.record({ by: account, skewSeconds }).map((sign) => ({ sign }));
  const spoilt = spoils().map((spoil) => ({ spoil }));
  const otherHeaders = headerChanges(proofHeaders).map((headers) => ({ headers }));
  const paths = pathsOf(forger);
  const otherPath = fc.constantFrom(...paths).map((target) => ({ target }));
  const page = fc.constantFrom(...paths.filter((path) => /^\/(oauth|health)/.test(path))).map((target) => ({ target }));
  const method = (...from: string[]) => fc.constantFrom(...from).map((name) => ({ method: name }));

  const drawn: [number, ...fc.Arbitrary<Partial<HostileCase>>[]][] = [
    [1, page, method("GET", "GET", "HEAD", "POST")],
    [12, mutatedBody, signed],
    [3, anyBody, signed],
    [3, sampleBody, signed, spoilt],
    [3, sampleBody, signed, otherHeaders],
    [2, sampleBody, skewed],
    [1, sampleBody, signed],
    [1, sampleBody, signed, method(...methods)],
    [3, sampleBody, signed, otherPath],
    [1, anyBody, otherHeaders, otherPath, method("POST", ...methods)],
  ];
  const ordinary: HostileCase = {
    channel: forger.channelType,
    method: "POST",
    target: shared,
    of: 0,
    contentType: "application/json",
    body: "",
    spoil: [],
    headers: [],
  };
  const cases = drawn.map(([weight, ...parts]) => {
    const arbitrary = fc.tuple(...parts).map((all): HostileCase => Object.assign({}, ordinary, ...all));
    return { weight, arbitrary };
  });
  return fc.oneof(...cases);
}

function withBody(
  base: fc.Arbitrary<Partial<HostileCase>>,
  bodies: fc.Arbitrary<Pick<HostileCase, "body" | "contentType">>,
): fc.Arbitrary<Partial<HostileCase>> {
  return fc.tuple(base, bodies).map(([rest, { body, contentType }]) => ({ ...rest, body, contentType }));
}

/** Webhooks of the first account as the platform sends them, and its signed handshakes: those of text, which is what is mutated. */
function samplesOf({ channelType }: Forger): Sample[] {
  return fixturesOf(channelType)
    .filter(({ account, expected }) => account !== undefined || expected.signedHandshake !== undefined)
    .filter(({ request }) => isUtf8(request.body))
    .map(({ contentType, request }) => ({ contentType, body: new TextDecoder().decode(request.body) }));
}

function spoils(): fc.Arbitrary<HostileCase["spoil"]> {
  const one = fc.oneof(
    fc.nat({ max: 100_000 }).map((flipBit) => ({ flipBit })),
    fc.nat({ max: 1_000 }).map((cutTo) => ({ cutTo })),
    fc.constantFrom(" ", "\n", "\0", "}", "&a=1").map((append) => ({ append })),
  );
  return fc.array(one, { minLength: 1, maxLength: 3 });
}
