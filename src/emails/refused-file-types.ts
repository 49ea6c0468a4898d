/** Extensions of files that run when they are opened; recipients' hosts refuse mail that carries them. */
export const refusedFileTypes: ReadonlySet<string> = new Set(
  [
    "adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk",
    "mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml msi",
    "msp mst ops pcd pif plg prf prg ps1 ps1xml ps2 ps2xml psc1 psc2 reg scf scr sct shb shs sys tmp url vb vbe vbs vps",
    "vsmacros vss vst vsw vxd ws wsc wsf wsh xnk",
  ].flatMap((line) => line.split(" ")),
);
