import { type FormEvent, useState } from "react";
import { signIn } from "../api/client";
import { type Fault, faultOf } from "../api/fault";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Mark } from "./Mark";

/** Asks for an access key; shown over any address, which stays. */
export function SignIn() {
  const [id, setId] = useState("");
  const [secret, setSecret] = useState("");
  const [token, setToken] = useState("");
  const [sending, setSending] = useState(false);
  const [fault, setFault] = useState<Fault>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setSending(true);
    setFault(undefined);
    const keys = { access_key_id: id.trim(), secret_access_key: secret.trim() };
    signIn(token.trim() ? { ...keys, session_token: token.trim() } : keys)
      .catch((error) => setFault(faultOf(error)))
      .finally(() => setSending(false));
  };
  return (
    <main className="sign-in">
      <title>Sign in · vpcflow</title>
      <form className="sign-in-box" onSubmit={submit}>
        <Mark size={28} />
        <h1>Sign in</h1>
        <p>With the access key of a user of this server, the same as for the AWS endpoint.</p>
        <TextField
          label="Access key id"
          value={id}
          onChange={setId}
          mono
          required
          autoComplete="username"
          spellCheck={false}
        />
        <TextField
          label="Secret access key"
          type="password"
          value={secret}
          onChange={setSecret}
          mono
          required
          autoComplete="current-password"
        />
        <TextField
          label="Session token"
          hint="Only for keys of a role."
          value={token}
          onChange={setToken}
          mono
          autoComplete="off"
          spellCheck={false}
        />
        {fault && (
          <p role="alert" className="field-error">
            {fault.message} {fault.hint}
          </p>
        )}
        <Button type="submit" kind="primary" busy={sending} disabled={!id || !secret}>
          Sign in
        </Button>
        <p className="sign-in-hint">
          On the server's own machine, <code>vpcflow console</code> prints a link that signs in once
          without a key.
        </p>
      </form>
    </main>
  );
}
