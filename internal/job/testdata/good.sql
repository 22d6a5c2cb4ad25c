--
-- PostgreSQL database dump
--

CREATE TABLE public.ir_module_module (
    id integer,
    name character varying
);

COPY public.ir_module_module (id, name) FROM stdin;
1	base
\.

ALTER TABLE ONLY public.ir_module_module
    ADD CONSTRAINT ir_module_module_pkey PRIMARY KEY (id);

--
-- PostgreSQL database dump complete
--

