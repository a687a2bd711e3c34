/**
 * The programs that the customer portal shows for verifying requests, each run with the language's own tools against
 * requests as the contract signs them. A language that is not installed is named and not run: the project itself needs
 * none of them.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { newSigningSecret, signatureHeader } from '../../../src/contract/signing-keys.js';

const snippets = join(__dirname, '../../../dashboard/src/portal/verify/snippets');
/** Compilers may have to fetch and build libraries first. */
const BUILDING_MS = 10 * 60_000;

interface Language {
  /** The file of the snippet. */
  readonly file: string;
  /** Its name where it is built. */
  readonly as?: string;
  /** The other files by their names: a program that prints `true` or `false` for id, timestamp, signatures, secret, body. */
  readonly files: Readonly<Record<string, string>>;
  /** What shows that the language is installed. */
  readonly installed: readonly string[];
  /** What fetches the libraries of the snippet. */
  readonly fetch?: readonly string[];
  readonly build?: readonly string[];
  readonly run: readonly string[];
}

const GO_MAIN = `package main

import ("fmt"; "net/http"; "os"; "example.com/verify/webhook")

func main() {
	body, _ := os.ReadFile(os.Args[5])
	headers := http.Header{}
	for index, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		headers.Set(name, os.Args[index+1])
	}
	fmt.Println(webhook.Verify(headers, body, os.Args[4]))
}`;

const JAVA_MAIN = `import java.nio.file.*;
import java.util.Map;
public class Main {
  public static void main(String[] args) throws Exception {
    Map<String, String> headers =
        Map.of("webhook-id", args[0], "webhook-timestamp", args[1], "webhook-signature", args[2]);
    System.out.println(WebhookVerifier.verify(headers, Files.readAllBytes(Path.of(args[4])), args[3]));
  }
}`;

const RUST_MAIN = `mod verify;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let header = |name: &str| match name {
        "webhook-id" => Some(args[1].as_str()),
        "webhook-timestamp" => Some(args[2].as_str()),
        "webhook-signature" => Some(args[3].as_str()),
        _ => None,
    };
    println!("{}", verify::verify(header, &std::fs::read(&args[5]).unwrap(), &args[4]));
}`;

const CSHARP_MAIN = `var headers = new System.Collections.Generic.Dictionary<string, string> {
  ["webhook-id"] = args[0], ["webhook-timestamp"] = args[1], ["webhook-signature"] = args[2] };
var body = System.IO.File.ReadAllBytes(args[4]);
System.Console.WriteLine(WebhookVerifier.Verify(headers, body, args[3]) ? "true" : "false");`;

const languages: Readonly<Record<string, Language>> = {
  'JavaScript and TypeScript': {
    file: 'verify.mjs',
    files: {
      'main.mjs': `import { readFileSync } from 'node:fs';
import { verify } from './verify.mjs';
const [id, timestamp, signature, secret, body] = process.argv.slice(2);
const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
console.log(verify(headers, readFileSync(body), secret));`,
    },
    installed: [process.execPath, '--version'],
    run: [process.execPath, 'main.mjs'],
  },
  Python: {
    file: 'verify.py',
    files: {
      'main.py': `import sys
from verify import verify
_, id, timestamp, signature, secret, body = sys.argv
headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
print(str(verify(headers, open(body, "rb").read(), secret)).lower())`,
    },
    installed: ['python3', '--version'],
    run: ['python3', 'main.py'],
  },
  Go: {
    file: 'verify.go',
    as: 'webhook/verify.go',
    files: { 'go.mod': 'module example.com/verify\n\ngo 1.20\n', 'main.go': GO_MAIN },
    installed: ['go', 'version'],
    build: ['go', 'build', '-o', 'program', '.'],
    run: ['./program'],
  },
  Ruby: {
    file: 'verify.rb',
    files: {
      'main.rb': `require_relative "verify"
id, timestamp, signature, secret, body = ARGV
headers = { "webhook-id" => id, "webhook-timestamp" => timestamp, "webhook-signature" => signature }
puts verify(headers, File.binread(body), secret)`,
    },
    installed: ['ruby', '--version'],
    run: ['ruby', 'main.rb'],
  },
  PHP: {
    file: 'verify.php',
    files: {
      'main.php': `<?php require 'verify.php';
[, $id, $timestamp, $signature, $secret, $body] = $argv;
$headers = ['webhook-id' => $id, 'webhook-timestamp' => $timestamp, 'webhook-signature' => $signature];
echo verify($headers, file_get_contents($body), $secret) ? 'true' : 'false';`,
    },
    installed: ['php', '--version'],
    run: ['php', 'main.php'],
  },
  Java: {
    file: 'verify.java',
    as: 'WebhookVerifier.java',
    files: { 'Main.java': JAVA_MAIN },
    installed: ['javac', '-version'],
    build: ['javac', '-encoding', 'UTF-8', 'WebhookVerifier.java', 'Main.java'],
    run: ['java', 'Main'],
  },
  'C#': {
    file: 'verify.cs',
    files: {
      'Program.cs': CSHARP_MAIN,
      'program.csproj': `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType>
<TargetFramework>net8.0</TargetFramework><RollForward>Major</RollForward></PropertyGroup></Project>`,
    },
    installed: ['dotnet', '--list-sdks'],
    build: ['dotnet', 'build', '--nologo', '--output', 'out'],
    run: ['dotnet', 'out/program.dll'],
  },
  Rust: {
    file: 'verify.rs',
    as: 'src/verify.rs',
    files: {
      'Cargo.toml': `[package]
name = "program"
version = "0.1.0"
edition = "2021"
[dependencies]
base64 = "0.22"
hmac = "0.12"
sha2 = "0.10"
`,
      'src/main.rs': RUST_MAIN,
    },
    installed: ['cargo', '--version'],
    fetch: ['cargo', 'fetch', '--quiet'],
    build: ['cargo', 'build', '--quiet', '--target-dir', 'target'],
    run: ['target/debug/program'],
  },
};

/** A folder with everything in it, or why the language is not run. */
function prepare({ file, as = file, files, installed, fetch }: Language): { folder: string } | { missing: string } {
  if (!succeeds(installed)) return { missing: `${installed[0]} is not installed` };
  const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-snippet-'));
  const target = join(folder, as);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(join(snippets, file), target);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  if (!fetch || succeeds(fetch, folder)) return { folder };
  rmSync(folder, { recursive: true });
  return { missing: 'its libraries cannot be fetched' };
}

function succeeds([command, ...options]: readonly string[], cwd?: string): boolean {
  return spawnSync(command!, options, { cwd, stdio: 'ignore' }).status === 0;
}

describe.each(Object.entries(languages))('verification in %s', (name, language) => {
  const prepared = prepare(language);
  const folder = 'folder' in prepared ? prepared.folder : '';
  if ('missing' in prepared) console.warn(`The snippet for ${name} is not run: ${prepared.missing}.`);
  const run = 'missing' in prepared ? test.skip : test;

  beforeAll(() => {
    const [command, ...options] = language.build ?? [];
    if (folder !== '' && command !== undefined)
      execFileSync(command, options, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  }, BUILDING_MS);
  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  const secret = newSigningSecret(randomBytes);
  const id = 'msg_018f5b2c';
  const body = '{"type":"invoice.paid","data":{"name":"Zoë – ☂","id":9007199254740993}}';

  /** What the program says of a request that was signed `ageS` seconds ago. */
  function resultOf({ ageS = 0, sent = body, signedWith = [secret], verifiedWith = secret, version = 'v1' } = {}) {
    const now = new Date(Date.now() - ageS * 1_000);
    const timestamp = Math.floor(now.getTime() / 1_000);
    const keys = signedWith.map((key) => ({ secret: key }));
    const signature = signatureHeader(keys, { id, timestamp, body }, now).replaceAll('v1,', `${version},`);
    writeFileSync(join(folder, 'body'), sent);
    const [command, ...options] = language.run;
    const given = [id, String(timestamp), signature, verifiedWith, 'body'];
    return execFileSync(command!, [...options, ...given], { cwd: folder, encoding: 'utf8' }).trim();
  }

  run('accepts what was signed, also when the first signature is that of another secret', () => {
    expect(resultOf()).toBe('true');
    expect(resultOf({ signedWith: [newSigningSecret(randomBytes), secret] })).toBe('true');
  });

  run('refuses another body, an old or future time, another secret and another version', () => {
    expect(resultOf({ sent: body.replace('invoice', 'Invoice') })).toBe('false');
    expect(resultOf({ ageS: 600 })).toBe('false');
    expect(resultOf({ ageS: -600 })).toBe('false');
    expect(resultOf({ verifiedWith: newSigningSecret(randomBytes) })).toBe('false');
    expect(resultOf({ version: 'v2' })).toBe('false');
  });
});
