import { useEffect, useRef, useState, type ReactNode } from 'react';
import type { Client } from '../api/client';
import type { Connection, SignIn as State } from '../api/types';
import { Problems } from '../form/Field';
import { problemsOf } from './problems';

interface Props {
  client: Client;
  connection: Connection | null; // as it is saved; null: it is not yet
  disabled: boolean;
  /** save stores the form as it is; null where that is not possible, which the form tells. */
  save(): Promise<Connection | null>;
}

type Phase = { kind: 'idle' } | { kind: 'waiting'; address: string; blocked: boolean; before: string | undefined } | { kind: 'failed'; error: unknown };

/** How often the server is asked whether somebody has signed in, and how long that may take. */
const interval = 1000;
const patience = 600;

/** SignIn lets a person sign in to what a connection leads to, in a window of the provider's. */
export function SignIn({ client, connection, disabled, save }: Props): ReactNode {
  const [redirect, setRedirect] = useState('');
  const [state, setState] = useState<State | null>(null);
  const [phase, setPhase] = useState<Phase>({ kind: 'idle' });
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = connection?.id ?? '';
  useEffect(() => {
    void client.oauth().then(({ redirectUrl }) => setRedirect(redirectUrl), () => {});
  }, [client]);
  useEffect(() => {
    let gone = false;
    // Before it is saved with this authentication nobody can have signed in to it.
    if (id) void client.signedIn(id).then((now) => !gone && setState(now), () => !gone && setState(null));
    return () => { gone = true; };
  }, [client, connection]);
  useEffect(() => {
    if (phase.kind !== 'waiting' || !id) return;
    let left = patience;
    const timer = setInterval(() => void client.signedIn(id).then((now) => {
      if (now.at && now.at !== phase.before) {
        setState(now);
        setPhase({ kind: 'idle' });
      } else if (--left <= 0) setPhase({ kind: 'idle' });
    }, () => {}), interval);
    return () => clearInterval(timer);
  }, [client, id, phase]);
  const begin = async () => {
    const opened = window.open('', '_blank'); // now: later the browser takes it for an advertisement
    try {
      const saved = await save();
      if (!saved) return opened?.close();
      const before = (await client.signedIn(saved.id)).at;
      const { url } = await client.beginSignIn(saved.id);
      if (opened) opened.location.href = url;
      setPhase({ kind: 'waiting', address: url, blocked: !opened, before });
    } catch (error) {
      opened?.close();
      setPhase({ kind: 'failed', error });
    }
  };
  const copy = () => {
    field.current?.select();
    void navigator.clipboard?.writeText(redirect).then(() => setCopied(true), () => {});
  };
  return (
    <div className="form-field sign-in" role="group" aria-labelledby="sign-in-label">
      <div className="form-head"><span id="sign-in-label" className="form-label">Sign-in</span></div>
      <div className="form-path">
        <input ref={field} className="form-input" readOnly aria-label="Redirect address" value={redirect} onFocus={(e) => e.target.select()} />
        <button type="button" className="form-button" onClick={copy}>{copied ? 'Copied' : 'Copy'}</button>
      </div>
      <p className="form-help">The redirect address: register it with the client ID at the provider.</p>
      <button type="button" className="form-button" disabled={disabled} onClick={() => void begin()}>{state?.at ? 'Sign in again' : 'Sign in'}</button>
      <div className="sign-in-state" role="status">
        {phase.kind === 'waiting' && <Waiting address={phase.address} blocked={phase.blocked} />}
        {phase.kind === 'idle' && <Signed state={state} />}
      </div>
      {phase.kind === 'failed' && <Problems problems={problemsOf(phase.error)} />}
    </div>
  );
}

function Waiting({ address, blocked }: { address: string; blocked: boolean }): ReactNode {
  return (
    <p className="faint">
      {blocked ? 'The browser has kept the window from opening. ' : 'Sign in in the window that has opened; it leads back here. '}
      <a href={address} target="_blank" rel="noreferrer">Open the page to sign in</a>
    </p>
  );
}

/** Signed tells how it stands. */
function Signed({ state }: { state: State | null }): ReactNode {
  if (!state?.at) return <p className="faint">Nobody has signed in yet. Signing in saves the connection first.</p>;
  if (state.lost) {
    return <p className="connection-failed"><span aria-hidden="true">✕</span> The sign-in is not valid any more ({state.lost.replaceAll('_', ' ')}). Sign in again.</p>;
  }
  return (
    <>
      <p className="connection-reached"><span aria-hidden="true">✓</span> Signed in {moment(state.at)}{state.scope ? ` · ${state.scope}` : ''}</p>
      {!state.renews && <p className="connection-ignored" role="note">It ends {state.until ? moment(state.until) : 'with its token'}: the provider gave no refresh token. Many give one only for the scope offline_access.</p>}
    </>
  );
}

function moment(at: string): string {
  return new Date(at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}
