--
-- PostgreSQL database dump
--

\restrict BDJlgHbgmuCgFabwLQNcXiCTW0ZailUU2wbtnh8sRxptGJHzx3qLMygN74OwRFR

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: ir_attachment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_attachment (
    id integer NOT NULL,
    name character varying NOT NULL,
    store_fname character varying,
    checksum character varying(40),
    file_size integer
);


--
-- Name: ir_attachment_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_attachment_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_attachment_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_attachment_id_seq OWNED BY public.ir_attachment.id;


--
-- Name: ir_config_parameter; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_config_parameter (
    id integer NOT NULL,
    key character varying NOT NULL,
    value text NOT NULL
);


--
-- Name: ir_config_parameter_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_config_parameter_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_config_parameter_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_config_parameter_id_seq OWNED BY public.ir_config_parameter.id;


--
-- Name: ir_module_module; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_module_module (
    id integer NOT NULL,
    name character varying NOT NULL,
    author character varying,
    state character varying(16),
    latest_version character varying,
    shortdesc character varying,
    license character varying(32)
);


--
-- Name: ir_module_module_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_module_module_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_module_module_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_module_module_id_seq OWNED BY public.ir_module_module.id;


--
-- Name: res_company; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.res_company (
    id integer NOT NULL,
    name character varying NOT NULL
);


--
-- Name: res_company_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.res_company_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: res_company_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.res_company_id_seq OWNED BY public.res_company.id;


--
-- Name: res_partner; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.res_partner (
    id integer NOT NULL,
    company_id integer,
    name character varying,
    email character varying,
    comment text
);


--
-- Name: res_partner_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.res_partner_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: res_partner_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.res_partner_id_seq OWNED BY public.res_partner.id;


--
-- Name: ir_attachment id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_attachment ALTER COLUMN id SET DEFAULT nextval('public.ir_attachment_id_seq'::regclass);


--
-- Name: ir_config_parameter id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_config_parameter ALTER COLUMN id SET DEFAULT nextval('public.ir_config_parameter_id_seq'::regclass);


--
-- Name: ir_module_module id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_module_module ALTER COLUMN id SET DEFAULT nextval('public.ir_module_module_id_seq'::regclass);


--
-- Name: res_company id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_company ALTER COLUMN id SET DEFAULT nextval('public.res_company_id_seq'::regclass);


--
-- Name: res_partner id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_partner ALTER COLUMN id SET DEFAULT nextval('public.res_partner_id_seq'::regclass);


--
-- Data for Name: ir_attachment; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_attachment (id, name, store_fname, checksum, file_size) FROM stdin;
1	greeting.txt	ee/ee6c2337094e725631ba6cc025c49522a90cf05d	ee6c2337094e725631ba6cc025c49522a90cf05d	25
\.


--
-- Data for Name: ir_config_parameter; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_config_parameter (id, key, value) FROM stdin;
1	database.uuid	4b7e6c1e-52a3-4c7e-9d3a-0d6f3f1c9a10
2	database.create_date	2024-03-01 08:00:00
3	web.base.url	http://bakery.example
\.


--
-- Data for Name: ir_module_module; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_module_module (id, name, author, state, latest_version, shortdesc, license) FROM stdin;
1	base	Odoo S.A.	installed	16.0.1.3	Base	LGPL-3
2	web	Odoo S.A.	installed	16.0.1.0	Web	LGPL-3
3	mail	Odoo S.A.	installed	16.0.1.10	Discuss	LGPL-3
4	sale	Odoo S.A.	uninstalled	\N	Sales	LGPL-3
5	bakery_orders	The Bakery	installed	16.0.2.0.1	Orders\tof the bakery	AGPL-3
\.


--
-- Data for Name: res_company; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.res_company (id, name) FROM stdin;
1	The Bakery
\.


--
-- Data for Name: res_partner; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.res_partner (id, company_id, name, email, comment) FROM stdin;
1	1	Customer 1	customer1@bakery.example	\N
2	1	Customer 2	customer2@bakery.example	\N
3	1	Customer 3	customer3@bakery.example	likes\nrye bread
4	1	Customer 4	customer4@bakery.example	\N
5	1	Customer 5	customer5@bakery.example	\N
6	1	Customer 6	customer6@bakery.example	likes\nrye bread
7	1	Customer 7	customer7@bakery.example	\N
8	1	Customer 8	customer8@bakery.example	\N
9	1	Customer 9	customer9@bakery.example	likes\nrye bread
10	1	Customer 10	customer10@bakery.example	\N
11	1	Customer 11	customer11@bakery.example	\N
12	1	Customer 12	customer12@bakery.example	likes\nrye bread
13	1	Customer 13	customer13@bakery.example	\N
14	1	Customer 14	customer14@bakery.example	\N
15	1	Customer 15	customer15@bakery.example	likes\nrye bread
16	1	Customer 16	customer16@bakery.example	\N
17	1	Customer 17	customer17@bakery.example	\N
18	1	Customer 18	customer18@bakery.example	likes\nrye bread
19	1	Customer 19	customer19@bakery.example	\N
20	1	Customer 20	customer20@bakery.example	\N
21	1	Customer 21	customer21@bakery.example	likes\nrye bread
22	1	Customer 22	customer22@bakery.example	\N
23	1	Customer 23	customer23@bakery.example	\N
24	1	Customer 24	customer24@bakery.example	likes\nrye bread
25	1	Customer 25	customer25@bakery.example	\N
26	1	Customer 26	customer26@bakery.example	\N
27	1	Customer 27	customer27@bakery.example	likes\nrye bread
28	1	Customer 28	customer28@bakery.example	\N
29	1	Customer 29	customer29@bakery.example	\N
30	1	Customer 30	customer30@bakery.example	likes\nrye bread
31	1	Customer 31	customer31@bakery.example	\N
32	1	Customer 32	customer32@bakery.example	\N
33	1	Customer 33	customer33@bakery.example	likes\nrye bread
34	1	Customer 34	customer34@bakery.example	\N
35	1	Customer 35	customer35@bakery.example	\N
36	1	Customer 36	customer36@bakery.example	likes\nrye bread
37	1	Customer 37	customer37@bakery.example	\N
38	1	Customer 38	customer38@bakery.example	\N
39	1	Customer 39	customer39@bakery.example	likes\nrye bread
40	1	Customer 40	customer40@bakery.example	\N
\.


--
-- Name: ir_attachment_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_attachment_id_seq', 1, true);


--
-- Name: ir_config_parameter_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_config_parameter_id_seq', 3, true);


--
-- Name: ir_module_module_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_module_module_id_seq', 5, true);


--
-- Name: res_company_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.res_company_id_seq', 1, true);


--
-- Name: res_partner_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.res_partner_id_seq', 40, true);


--
-- Name: ir_attachment ir_attachment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_attachment
    ADD CONSTRAINT ir_attachment_pkey PRIMARY KEY (id);


--
-- Name: ir_config_parameter ir_config_parameter_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_config_parameter
    ADD CONSTRAINT ir_config_parameter_key_key UNIQUE (key);


--
-- Name: ir_config_parameter ir_config_parameter_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_config_parameter
    ADD CONSTRAINT ir_config_parameter_pkey PRIMARY KEY (id);


--
-- Name: ir_module_module ir_module_module_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_module_module
    ADD CONSTRAINT ir_module_module_name_key UNIQUE (name);


--
-- Name: ir_module_module ir_module_module_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_module_module
    ADD CONSTRAINT ir_module_module_pkey PRIMARY KEY (id);


--
-- Name: res_company res_company_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_company
    ADD CONSTRAINT res_company_pkey PRIMARY KEY (id);


--
-- Name: res_partner res_partner_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_partner
    ADD CONSTRAINT res_partner_pkey PRIMARY KEY (id);


--
-- Name: res_partner res_partner_company_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_partner
    ADD CONSTRAINT res_partner_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.res_company(id);


--
-- PostgreSQL database dump complete
--

\unrestrict BDJlgHbgmuCgFabwLQNcXiCTW0ZailUU2wbtnh8sRxptGJHzx3qLMygN74OwRFR

