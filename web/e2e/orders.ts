import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

// Orders and their customers, and what a flow over them has to give, computed here record by record in whole cents.

export const regions = ['north', 'east', 'south', 'west', 'overseas'] as const;
const states = ['paid', 'open', 'refunded', 'lost'] as const;
const customers = 20_000;

interface Order { customer: number; quantity: number; cents: number; state: (typeof states)[number] }

/** order is the n-th order, from 1; every eleventh is of a customer whom nobody knows. */
function order(n: number): Order {
  const mixed = Math.imul(n ^ (n >>> 7), 0x9e3779b1) >>> 0;
  return {
    customer: n % 11 === 0 ? customers + 1 + (mixed % 50) : 1 + (mixed % customers),
    quantity: 1 + (mixed >>> 5) % 9,
    cents: 100 + ((mixed >>> 9) % 99_900),
    state: states[(mixed >>> 21) % states.length]!,
  };
}

const regionOf = (customer: number) => regions[customer % regions.length]!;
const money = (cents: number) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;

/** wish makes the records long enough that even a fast machine is seen counting them. */
const wish = 'please ring twice and wait for a moment because the way from the garden to the door is a long one '.repeat(3).trim();

/** writeOrders writes orders.csv with so many records, and customers.csv. */
export function writeOrders(folder: string, records: number): void {
  write(join(folder, 'orders.csv'), 'order_id,customer_id,quantity,unit_price,status,placed_on,note', records, (n) => {
    const o = order(n);
    return `${n},${o.customer},${o.quantity},${money(o.cents)},${o.state},2026-${String(1 + (n % 12)).padStart(2, '0')}-${String(1 + (n % 28)).padStart(2, '0')},leave it at door ${n % 97} if nobody is at home; ${wish}`;
  });
  write(join(folder, 'customers.csv'), 'id,name,region', customers, (n) => `${n},Customer ${n},${regionOf(n)}`);
}

function write(path: string, header: string, records: number, line: (n: number) => string): void {
  const file = openSync(path, 'w');
  let lines = [header];
  for (let n = 1; n <= records; n++) {
    lines.push(line(n));
    if (lines.length === 20_000) {
      writeSync(file, lines.join('\n') + '\n');
      lines = [];
    }
  }
  if (lines.length > 0) writeSync(file, lines.join('\n') + '\n');
  closeSync(file);
}

/** Wanted is what leaves each node. */
export interface Wanted {
  read: number;
  customers: number;
  paid: number;
  joined: number;
  groups: Map<string, { orders: number; revenue: string }>;
}

/** wanted computes the flow: paid orders, their total, joined with the customers, summed by region. */
export function wanted(records: number): Wanted {
  let paid = 0;
  let joined = 0;
  const sums = new Map<string, { orders: number; cents: number }>();
  for (let n = 1; n <= records; n++) {
    const o = order(n);
    if (o.state !== 'paid') continue;
    paid++;
    if (o.customer > customers) continue;
    joined++;
    const sum = sums.get(regionOf(o.customer)) ?? { orders: 0, cents: 0 };
    sum.orders++;
    sum.cents += o.quantity * o.cents;
    sums.set(regionOf(o.customer), sum);
  }
  const groups = new Map([...sums].map(([region, s]) => [region, { orders: s.orders, revenue: money(s.cents) }]));
  return { read: records, customers, paid, joined, groups };
}
