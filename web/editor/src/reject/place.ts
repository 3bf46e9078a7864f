// Where somebody is in the inbox stands in the address, so that it can be linked to and gone back to.

import { useEffect, useState } from 'react';
import type { RejectQuery } from '../api/client';

const members = ['flow', 'node', 'code', 'field', 'run', 'text', 'state'] as const;

/** placeIn reads what an address selects. */
export function placeIn(search: string): RejectQuery {
  const given = new URLSearchParams(search);
  const place: RejectQuery = {};
  for (const member of members) {
    const value = given.get(member);
    if (value !== null && (value !== '' || member === 'field')) place[member] = value;
  }
  return place;
}

/** addressOf is the address of a place. */
export function addressOf(place: RejectQuery): string {
  const query = new URLSearchParams();
  for (const member of members) {
    const value = place[member];
    if (value !== undefined && (value !== '' || member === 'field')) query.set(member, value);
  }
  return query.size > 0 ? `/rejects?${query}` : '/rejects';
}

/** isGroup says whether a place is one group: its records are shown instead of the groups. */
export function isGroup(place: RejectQuery): boolean {
  return place.flow !== undefined && place.node !== undefined && place.code !== undefined && place.field !== undefined;
}

/** usePlace is the place in the address. go adds a step to the history; with quiet it takes the place of this one. */
export function usePlace(): [RejectQuery, (to: RejectQuery, quiet?: boolean) => void] {
  const [place, setPlace] = useState(() => placeIn(location.search));
  useEffect(() => {
    const back = () => setPlace(placeIn(location.search));
    addEventListener('popstate', back);
    return () => removeEventListener('popstate', back);
  }, []);
  const go = (to: RejectQuery, quiet = false) => {
    if (quiet) history.replaceState(null, '', addressOf(to));
    else history.pushState(null, '', addressOf(to));
    setPlace(to);
  };
  return [place, go];
}
