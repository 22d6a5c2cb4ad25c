--
-- PostgreSQL database dump
--

-- Dumped from database version 15.10
-- Dumped by pg_dump version 15.10

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

CREATE TABLE public.ir_module_module (
    id integer NOT NULL,
    name character varying,
    state character varying,
    latest_version character varying
);

CREATE TABLE public.res_partner (
    id integer NOT NULL,
    name character varying
);

COPY public.ir_module_module (id, name, state, latest_version) FROM stdin;
1	base	installed	16.0.1.3
2	sale	installed	16.0.1.2
3	bakery	installed	16.0.0.1
\.

COPY public.res_partner (id, name) FROM stdin;
1	The Corner Bakery
2	Mill & Sons
3	Café Müller
\.

ALTER TABLE ONLY public.ir_module_module ADD CONSTRAINT ir_module_module_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.res_partner ADD CONSTRAINT res_partner_pkey PRIMARY KEY (id);

--
-- PostgreSQL database dump complete
--

