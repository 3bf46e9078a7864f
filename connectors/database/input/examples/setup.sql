CREATE SCHEMA sales;
CREATE TABLE sales.orders (id bigint PRIMARY KEY, customer text, amount numeric(10,2) NOT NULL, placed_on date);
INSERT INTO sales.orders VALUES (1, 'Tea & Co', 12.50, '2026-01-05'), (2, 'Pots Ltd', 8.00, '2026-01-06'), (3, NULL, 90.10, NULL);
