--
-- PostgreSQL database dump
--

\restrict tsLECO0F3qHSw9kVJFMsvz2QgvMeg57TluoXITCrB94f1BfuOndy6hXBDShqbLN

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
-- Name: account_account; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_account (
    id integer NOT NULL,
    code character varying,
    name jsonb,
    account_type character varying,
    company_id integer
);


--
-- Name: account_account_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.account_account_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: account_account_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.account_account_id_seq OWNED BY public.account_account.id;


--
-- Name: account_journal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_journal (
    id integer NOT NULL,
    code character varying,
    name jsonb
);


--
-- Name: account_journal_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.account_journal_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: account_journal_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.account_journal_id_seq OWNED BY public.account_journal.id;


--
-- Name: account_move; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_move (
    id integer NOT NULL,
    name character varying,
    state character varying,
    move_type character varying,
    company_id integer,
    currency_id integer,
    amount_total numeric
);


--
-- Name: account_move_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.account_move_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: account_move_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.account_move_id_seq OWNED BY public.account_move.id;


--
-- Name: account_move_line; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account_move_line (
    id integer NOT NULL,
    move_id integer,
    company_id integer,
    account_id integer,
    journal_id integer,
    parent_state character varying,
    debit numeric,
    credit numeric,
    balance numeric,
    amount_residual numeric
);


--
-- Name: account_move_line_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.account_move_line_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: account_move_line_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.account_move_line_id_seq OWNED BY public.account_move_line.id;


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
-- Name: ir_cron; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_cron (
    id integer NOT NULL,
    cron_name character varying,
    active boolean
);


--
-- Name: ir_cron_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_cron_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_cron_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_cron_id_seq OWNED BY public.ir_cron.id;


--
-- Name: ir_model; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_model (
    id integer NOT NULL,
    model character varying NOT NULL,
    name jsonb,
    state character varying,
    transient boolean
);


--
-- Name: ir_model_data; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_model_data (
    id integer NOT NULL,
    module character varying NOT NULL,
    name character varying NOT NULL,
    model character varying,
    res_id integer,
    noupdate boolean
);


--
-- Name: ir_model_data_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_model_data_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_model_data_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_model_data_id_seq OWNED BY public.ir_model_data.id;


--
-- Name: ir_model_fields; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_model_fields (
    id integer NOT NULL,
    model character varying NOT NULL,
    name character varying NOT NULL,
    state character varying,
    relation_table character varying
);


--
-- Name: ir_model_fields_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_model_fields_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_model_fields_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_model_fields_id_seq OWNED BY public.ir_model_fields.id;


--
-- Name: ir_model_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_model_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_model_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_model_id_seq OWNED BY public.ir_model.id;


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
-- Name: ir_ui_view; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ir_ui_view (
    id integer NOT NULL,
    name character varying,
    model character varying,
    inherit_id integer,
    arch_db jsonb,
    active boolean
);


--
-- Name: ir_ui_view_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.ir_ui_view_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: ir_ui_view_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.ir_ui_view_id_seq OWNED BY public.ir_ui_view.id;


--
-- Name: product_product; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.product_product (
    id integer NOT NULL,
    product_tmpl_id integer,
    default_code character varying
);


--
-- Name: product_product_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.product_product_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: product_product_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.product_product_id_seq OWNED BY public.product_product.id;


--
-- Name: product_template; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.product_template (
    id integer NOT NULL,
    name jsonb
);


--
-- Name: product_template_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.product_template_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: product_template_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.product_template_id_seq OWNED BY public.product_template.id;


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
    comment text,
    x_loyalty integer
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
-- Name: stock_location; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stock_location (
    id integer NOT NULL,
    complete_name character varying,
    usage character varying
);


--
-- Name: stock_location_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.stock_location_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: stock_location_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.stock_location_id_seq OWNED BY public.stock_location.id;


--
-- Name: stock_quant; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stock_quant (
    id integer NOT NULL,
    product_id integer,
    location_id integer,
    quantity numeric
);


--
-- Name: stock_quant_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.stock_quant_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: stock_quant_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.stock_quant_id_seq OWNED BY public.stock_quant.id;


--
-- Name: account_account id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_account ALTER COLUMN id SET DEFAULT nextval('public.account_account_id_seq'::regclass);


--
-- Name: account_journal id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_journal ALTER COLUMN id SET DEFAULT nextval('public.account_journal_id_seq'::regclass);


--
-- Name: account_move id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_move ALTER COLUMN id SET DEFAULT nextval('public.account_move_id_seq'::regclass);


--
-- Name: account_move_line id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_move_line ALTER COLUMN id SET DEFAULT nextval('public.account_move_line_id_seq'::regclass);


--
-- Name: ir_attachment id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_attachment ALTER COLUMN id SET DEFAULT nextval('public.ir_attachment_id_seq'::regclass);


--
-- Name: ir_config_parameter id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_config_parameter ALTER COLUMN id SET DEFAULT nextval('public.ir_config_parameter_id_seq'::regclass);


--
-- Name: ir_cron id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_cron ALTER COLUMN id SET DEFAULT nextval('public.ir_cron_id_seq'::regclass);


--
-- Name: ir_model id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_model ALTER COLUMN id SET DEFAULT nextval('public.ir_model_id_seq'::regclass);


--
-- Name: ir_model_data id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_model_data ALTER COLUMN id SET DEFAULT nextval('public.ir_model_data_id_seq'::regclass);


--
-- Name: ir_model_fields id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_model_fields ALTER COLUMN id SET DEFAULT nextval('public.ir_model_fields_id_seq'::regclass);


--
-- Name: ir_module_module id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_module_module ALTER COLUMN id SET DEFAULT nextval('public.ir_module_module_id_seq'::regclass);


--
-- Name: ir_ui_view id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_ui_view ALTER COLUMN id SET DEFAULT nextval('public.ir_ui_view_id_seq'::regclass);


--
-- Name: product_product id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.product_product ALTER COLUMN id SET DEFAULT nextval('public.product_product_id_seq'::regclass);


--
-- Name: product_template id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.product_template ALTER COLUMN id SET DEFAULT nextval('public.product_template_id_seq'::regclass);


--
-- Name: res_company id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_company ALTER COLUMN id SET DEFAULT nextval('public.res_company_id_seq'::regclass);


--
-- Name: res_partner id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_partner ALTER COLUMN id SET DEFAULT nextval('public.res_partner_id_seq'::regclass);


--
-- Name: stock_location id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stock_location ALTER COLUMN id SET DEFAULT nextval('public.stock_location_id_seq'::regclass);


--
-- Name: stock_quant id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stock_quant ALTER COLUMN id SET DEFAULT nextval('public.stock_quant_id_seq'::regclass);


--
-- Data for Name: account_account; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.account_account (id, code, name, account_type, company_id) FROM stdin;
1	121000	{"en_US": "Account Receivable"}	asset_receivable	1
2	400000	{"en_US": "Bread Sales"}	income	1
\.


--
-- Data for Name: account_journal; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.account_journal (id, code, name) FROM stdin;
1	INV	{"en_US": "Customer Invoices"}
\.


--
-- Data for Name: account_move; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.account_move (id, name, state, move_type, company_id, currency_id, amount_total) FROM stdin;
1	INV/2024/0001	posted	out_invoice	1	1	12.35
2	INV/2024/0002	posted	out_invoice	1	1	24.70
3	INV/2024/0003	posted	out_invoice	1	1	37.05
4	INV/2024/0004	posted	out_invoice	1	1	49.40
5	INV/2024/0005	posted	out_invoice	1	1	61.75
6	INV/2024/0006	posted	out_invoice	1	1	74.10
7	INV/2024/0007	posted	out_invoice	1	1	86.45
8	INV/2024/0008	posted	out_invoice	1	1	98.80
9	INV/2024/0009	posted	out_invoice	1	1	111.15
10	INV/2024/0010	posted	out_invoice	1	1	123.50
11	INV/2024/0011	posted	out_invoice	1	1	135.85
12	INV/2024/0012	posted	out_invoice	1	1	148.20
\.


--
-- Data for Name: account_move_line; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.account_move_line (id, move_id, company_id, account_id, journal_id, parent_state, debit, credit, balance, amount_residual) FROM stdin;
1	1	1	1	1	posted	12.35	0.00	12.35	0.00
2	2	1	1	1	posted	24.70	0.00	24.70	0.00
3	3	1	1	1	posted	37.05	0.00	37.05	0.00
4	4	1	1	1	posted	49.40	0.00	49.40	0.00
5	5	1	1	1	posted	61.75	0.00	61.75	0.00
6	6	1	1	1	posted	74.10	0.00	74.10	0.00
7	7	1	1	1	posted	86.45	0.00	86.45	0.00
8	8	1	1	1	posted	98.80	0.00	98.80	0.00
9	9	1	1	1	posted	111.15	0.00	111.15	0.00
10	10	1	1	1	posted	123.50	0.00	123.50	123.50
11	11	1	1	1	posted	135.85	0.00	135.85	135.85
12	12	1	1	1	posted	148.20	0.00	148.20	148.20
13	1	1	2	1	posted	0.00	12.35	-12.35	0.00
14	2	1	2	1	posted	0.00	24.70	-24.70	0.00
15	3	1	2	1	posted	0.00	37.05	-37.05	0.00
16	4	1	2	1	posted	0.00	49.40	-49.40	0.00
17	5	1	2	1	posted	0.00	61.75	-61.75	0.00
18	6	1	2	1	posted	0.00	74.10	-74.10	0.00
19	7	1	2	1	posted	0.00	86.45	-86.45	0.00
20	8	1	2	1	posted	0.00	98.80	-98.80	0.00
21	9	1	2	1	posted	0.00	111.15	-111.15	0.00
22	10	1	2	1	posted	0.00	123.50	-123.50	0.00
23	11	1	2	1	posted	0.00	135.85	-135.85	0.00
24	12	1	2	1	posted	0.00	148.20	-148.20	0.00
\.


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
-- Data for Name: ir_cron; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_cron (id, cron_name, active) FROM stdin;
1	Base: Auto-vacuum internal data	t
2	Bakery: order flour	t
\.


--
-- Data for Name: ir_model; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_model (id, model, name, state, transient) FROM stdin;
1	res.partner	\N	base	f
2	res.company	\N	base	f
3	ir.attachment	\N	base	f
4	ir.config_parameter	\N	base	f
5	ir.module.module	\N	base	f
6	ir.model	\N	base	f
7	ir.model.data	\N	base	f
8	ir.model.fields	\N	base	f
9	ir.ui.view	\N	base	f
10	ir.cron	\N	base	f
11	account.account	\N	base	f
12	account.journal	\N	base	f
13	account.move	\N	base	f
14	account.move.line	\N	base	f
15	product.template	\N	base	f
16	product.product	\N	base	f
17	stock.location	\N	base	f
18	stock.quant	\N	base	f
\.


--
-- Data for Name: ir_model_data; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_model_data (id, module, name, model, res_id, noupdate) FROM stdin;
1	base	view_partner_form	ir.ui.view	1	f
2	bakery_orders	view_partner_form	ir.ui.view	2	f
3	base	autovacuum_job	ir.cron	1	t
4	bakery_orders	order_flour	ir.cron	2	t
5	base	main_company	res.company	1	t
\.


--
-- Data for Name: ir_model_fields; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_model_fields (id, model, name, state, relation_table) FROM stdin;
1	account.account	account_type	base	\N
2	account.account	code	base	\N
3	account.account	company_id	base	\N
4	account.account	id	base	\N
5	account.account	name	base	\N
6	account.journal	code	base	\N
7	account.journal	id	base	\N
8	account.journal	name	base	\N
9	account.move	amount_total	base	\N
10	account.move	company_id	base	\N
11	account.move	currency_id	base	\N
12	account.move	id	base	\N
13	account.move	move_type	base	\N
14	account.move	name	base	\N
15	account.move	state	base	\N
16	account.move.line	account_id	base	\N
17	account.move.line	amount_residual	base	\N
18	account.move.line	balance	base	\N
19	account.move.line	company_id	base	\N
20	account.move.line	credit	base	\N
21	account.move.line	debit	base	\N
22	account.move.line	id	base	\N
23	account.move.line	journal_id	base	\N
24	account.move.line	move_id	base	\N
25	account.move.line	parent_state	base	\N
26	ir.attachment	checksum	base	\N
27	ir.attachment	file_size	base	\N
28	ir.attachment	id	base	\N
29	ir.attachment	name	base	\N
30	ir.attachment	store_fname	base	\N
31	ir.config_parameter	id	base	\N
32	ir.config_parameter	key	base	\N
33	ir.config_parameter	value	base	\N
34	ir.cron	active	base	\N
35	ir.cron	cron_name	base	\N
36	ir.cron	id	base	\N
37	ir.model	id	base	\N
38	ir.model	model	base	\N
39	ir.model	name	base	\N
40	ir.model	state	base	\N
41	ir.model	transient	base	\N
42	ir.model.data	id	base	\N
43	ir.model.data	model	base	\N
44	ir.model.data	module	base	\N
45	ir.model.data	name	base	\N
46	ir.model.data	noupdate	base	\N
47	ir.model.data	res_id	base	\N
48	ir.model.fields	id	base	\N
49	ir.model.fields	model	base	\N
50	ir.model.fields	name	base	\N
51	ir.model.fields	relation_table	base	\N
52	ir.model.fields	state	base	\N
53	ir.module.module	author	base	\N
54	ir.module.module	id	base	\N
55	ir.module.module	latest_version	base	\N
56	ir.module.module	license	base	\N
57	ir.module.module	name	base	\N
58	ir.module.module	shortdesc	base	\N
59	ir.module.module	state	base	\N
60	ir.ui.view	active	base	\N
61	ir.ui.view	arch_db	base	\N
62	ir.ui.view	id	base	\N
63	ir.ui.view	inherit_id	base	\N
64	ir.ui.view	model	base	\N
65	ir.ui.view	name	base	\N
66	product.product	default_code	base	\N
67	product.product	id	base	\N
68	product.product	product_tmpl_id	base	\N
69	product.template	id	base	\N
70	product.template	name	base	\N
71	res.company	id	base	\N
72	res.company	name	base	\N
73	res.partner	comment	base	\N
74	res.partner	company_id	base	\N
75	res.partner	email	base	\N
76	res.partner	id	base	\N
77	res.partner	name	base	\N
78	res.partner	x_loyalty	manual	\N
79	stock.location	complete_name	base	\N
80	stock.location	id	base	\N
81	stock.location	usage	base	\N
82	stock.quant	id	base	\N
83	stock.quant	location_id	base	\N
84	stock.quant	product_id	base	\N
85	stock.quant	quantity	base	\N
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
6	account	Odoo S.A.	installed	16.0.1.7	Invoicing	LGPL-3
7	stock	Odoo S.A.	installed	16.0.1.5	Inventory	LGPL-3
\.


--
-- Data for Name: ir_ui_view; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.ir_ui_view (id, name, model, inherit_id, arch_db, active) FROM stdin;
1	res.partner.form	res.partner	\N	{"en_US": "<form><field name=\\"name\\"/></form>"}	t
2	res.partner.form.bakery	res.partner	1	{"en_US": "<field name=\\"name\\" position=\\"after\\"><field name=\\"x_loyalty\\"/></field>"}	t
\.


--
-- Data for Name: product_product; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.product_product (id, product_tmpl_id, default_code) FROM stdin;
1	1	RYE
2	2	CRO
3	3	FLOUR
\.


--
-- Data for Name: product_template; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.product_template (id, name) FROM stdin;
1	{"en_US": "Rye Bread"}
2	{"en_US": "Croissant"}
3	{"en_US": "Flour, 25 kg"}
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

COPY public.res_partner (id, company_id, name, email, comment, x_loyalty) FROM stdin;
1	1	Customer 1	customer1@bakery.example	\N	\N
3	1	Customer 3	customer3@bakery.example	likes\nrye bread	\N
5	1	Customer 5	customer5@bakery.example	\N	\N
7	1	Customer 7	customer7@bakery.example	\N	\N
9	1	Customer 9	customer9@bakery.example	likes\nrye bread	\N
11	1	Customer 11	customer11@bakery.example	\N	\N
13	1	Customer 13	customer13@bakery.example	\N	\N
15	1	Customer 15	customer15@bakery.example	likes\nrye bread	\N
17	1	Customer 17	customer17@bakery.example	\N	\N
19	1	Customer 19	customer19@bakery.example	\N	\N
21	1	Customer 21	customer21@bakery.example	likes\nrye bread	\N
23	1	Customer 23	customer23@bakery.example	\N	\N
25	1	Customer 25	customer25@bakery.example	\N	\N
27	1	Customer 27	customer27@bakery.example	likes\nrye bread	\N
29	1	Customer 29	customer29@bakery.example	\N	\N
31	1	Customer 31	customer31@bakery.example	\N	\N
33	1	Customer 33	customer33@bakery.example	likes\nrye bread	\N
35	1	Customer 35	customer35@bakery.example	\N	\N
37	1	Customer 37	customer37@bakery.example	\N	\N
39	1	Customer 39	customer39@bakery.example	likes\nrye bread	\N
2	1	Customer 2	customer2@bakery.example	\N	20
4	1	Customer 4	customer4@bakery.example	\N	40
6	1	Customer 6	customer6@bakery.example	likes\nrye bread	60
8	1	Customer 8	customer8@bakery.example	\N	80
10	1	Customer 10	customer10@bakery.example	\N	100
12	1	Customer 12	customer12@bakery.example	likes\nrye bread	120
14	1	Customer 14	customer14@bakery.example	\N	140
16	1	Customer 16	customer16@bakery.example	\N	160
18	1	Customer 18	customer18@bakery.example	likes\nrye bread	180
20	1	Customer 20	customer20@bakery.example	\N	200
22	1	Customer 22	customer22@bakery.example	\N	220
24	1	Customer 24	customer24@bakery.example	likes\nrye bread	240
26	1	Customer 26	customer26@bakery.example	\N	260
28	1	Customer 28	customer28@bakery.example	\N	280
30	1	Customer 30	customer30@bakery.example	likes\nrye bread	300
32	1	Customer 32	customer32@bakery.example	\N	320
34	1	Customer 34	customer34@bakery.example	\N	340
36	1	Customer 36	customer36@bakery.example	likes\nrye bread	360
38	1	Customer 38	customer38@bakery.example	\N	380
40	1	Customer 40	customer40@bakery.example	\N	400
\.


--
-- Data for Name: stock_location; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.stock_location (id, complete_name, usage) FROM stdin;
1	WH/Stock	internal
2	Partners/Customers	customer
\.


--
-- Data for Name: stock_quant; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.stock_quant (id, product_id, location_id, quantity) FROM stdin;
1	1	1	40
2	2	1	120
3	3	1	12.5
4	1	2	-40
\.


--
-- Name: account_account_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.account_account_id_seq', 2, true);


--
-- Name: account_journal_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.account_journal_id_seq', 1, true);


--
-- Name: account_move_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.account_move_id_seq', 12, true);


--
-- Name: account_move_line_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.account_move_line_id_seq', 24, true);


--
-- Name: ir_attachment_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_attachment_id_seq', 1, true);


--
-- Name: ir_config_parameter_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_config_parameter_id_seq', 3, true);


--
-- Name: ir_cron_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_cron_id_seq', 2, true);


--
-- Name: ir_model_data_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_model_data_id_seq', 5, true);


--
-- Name: ir_model_fields_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_model_fields_id_seq', 85, true);


--
-- Name: ir_model_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_model_id_seq', 18, true);


--
-- Name: ir_module_module_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_module_module_id_seq', 7, true);


--
-- Name: ir_ui_view_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.ir_ui_view_id_seq', 2, true);


--
-- Name: product_product_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.product_product_id_seq', 3, true);


--
-- Name: product_template_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.product_template_id_seq', 3, true);


--
-- Name: res_company_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.res_company_id_seq', 1, true);


--
-- Name: res_partner_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.res_partner_id_seq', 40, true);


--
-- Name: stock_location_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.stock_location_id_seq', 2, true);


--
-- Name: stock_quant_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.stock_quant_id_seq', 4, true);


--
-- Name: account_account account_account_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_account
    ADD CONSTRAINT account_account_pkey PRIMARY KEY (id);


--
-- Name: account_journal account_journal_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_journal
    ADD CONSTRAINT account_journal_pkey PRIMARY KEY (id);


--
-- Name: account_move_line account_move_line_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_move_line
    ADD CONSTRAINT account_move_line_pkey PRIMARY KEY (id);


--
-- Name: account_move account_move_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account_move
    ADD CONSTRAINT account_move_pkey PRIMARY KEY (id);


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
-- Name: ir_cron ir_cron_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_cron
    ADD CONSTRAINT ir_cron_pkey PRIMARY KEY (id);


--
-- Name: ir_model_data ir_model_data_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_model_data
    ADD CONSTRAINT ir_model_data_pkey PRIMARY KEY (id);


--
-- Name: ir_model_fields ir_model_fields_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_model_fields
    ADD CONSTRAINT ir_model_fields_pkey PRIMARY KEY (id);


--
-- Name: ir_model ir_model_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_model
    ADD CONSTRAINT ir_model_pkey PRIMARY KEY (id);


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
-- Name: ir_ui_view ir_ui_view_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ir_ui_view
    ADD CONSTRAINT ir_ui_view_pkey PRIMARY KEY (id);


--
-- Name: product_product product_product_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.product_product
    ADD CONSTRAINT product_product_pkey PRIMARY KEY (id);


--
-- Name: product_template product_template_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.product_template
    ADD CONSTRAINT product_template_pkey PRIMARY KEY (id);


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
-- Name: stock_location stock_location_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stock_location
    ADD CONSTRAINT stock_location_pkey PRIMARY KEY (id);


--
-- Name: stock_quant stock_quant_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stock_quant
    ADD CONSTRAINT stock_quant_pkey PRIMARY KEY (id);


--
-- Name: res_partner res_partner_company_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.res_partner
    ADD CONSTRAINT res_partner_company_id_fkey FOREIGN KEY (company_id) REFERENCES public.res_company(id);


--
-- PostgreSQL database dump complete
--

\unrestrict tsLECO0F3qHSw9kVJFMsvz2QgvMeg57TluoXITCrB94f1BfuOndy6hXBDShqbLN

